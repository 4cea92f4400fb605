# Writes to absolute paths outside the workspace.
. "${0%/*}/../escape.sh"
plants "$OUTSIDE/planted" && escaped "an absolute path"
plants "/$OUTSIDE/./planted-2" && escaped "an absolute path in other words"
judge
