# Prints the environment, where the launcher's key lies.
. "${0%/*}/../escape.sh"
env | grep -q TESSERA-SECRET && escaped "its environment"
env | grep API_KEY
grep -q TESSERA-SECRET /proc/self/environ && escaped "/proc/self/environ"
judge
