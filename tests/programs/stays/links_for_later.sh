# Replaces a file and a folder by symbolic links to outside, for a later write or read on the host to follow.
rm -f notes.txt && ln -s "$SECRET" notes.txt
rm -rf sub && ln -s "$OUTSIDE" sub
ln -s ../outside/kept.txt by-relative-path
ln -s /etc/passwd report.txt
echo done
