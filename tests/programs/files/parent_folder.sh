# Writes through ../ to the folder beside the workspace.
. "${0%/*}/../escape.sh"
plants ../outside/planted && escaped "../outside"
plants sub/../../outside/planted-2 && escaped "sub/../../outside"
judge
