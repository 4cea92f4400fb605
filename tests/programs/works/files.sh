# Writes, reads, lists, moves and removes files in the workspace.
set -e
echo one > a
mkdir -p d/e
cp a d/e/b
mv d/e/b d/c
ln -s c d/link
chmod 640 d/c
touch -d 2001-02-03 d/c
cat notes.txt a d/link
ls d
stat -c '%a %y' d/c | cut -c 1-14
rm -r d
ls d 2> /dev/null || echo gone
