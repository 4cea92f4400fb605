# Reads a secret file that lies beside the workspace.
. "${0%/*}/../escape.sh"
reads_secret "$SECRET" && escaped "by its path"
reads_secret ../secret.txt && escaped "by ../"
cat "$SECRET" ../secret.txt 2> /dev/null
judge
