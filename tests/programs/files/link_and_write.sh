# Makes a symbolic link in the workspace to a folder outside and writes through it.
. "${0%/*}/../escape.sh"
ln -s "$OUTSIDE" way
plants way/planted && escaped "a link to the folder"
ln -s "$OUTSIDE/kept.txt" file
(echo changed > file) 2> /dev/null && escaped "a link to the file"
ln -s "$OUTSIDE/new" dangling
plants dangling && escaped "a link to a name that is not there yet"
rm way file dangling
judge
