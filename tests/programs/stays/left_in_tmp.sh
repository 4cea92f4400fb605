# Run twice: the first run leaves data in the shared folders, the second reads it.
. "${0%/*}/../escape.sh"
for folder in /tmp /var/tmp /dev/shm; do
  [ -e "$folder/$ID-left" ] && escaped "$folder"
  (echo data > "$folder/$ID-left") 2> /dev/null
done
judge
