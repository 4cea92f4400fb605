# Uses temporary files in /tmp and $TMPDIR.
file=$(mktemp) && echo text > "$file" && cat "$file" && rm "$file"
file=$(mktemp -p "${TMPDIR:-/tmp}") && sort -o "$file" notes.txt && cat "$file" && rm "$file"
