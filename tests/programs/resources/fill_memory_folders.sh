# Fills /dev/shm and /tmp, which lie in memory, with 700 MB in sum.
. "${0%/*}/../escape.sh"
for file in /dev/shm/a /tmp/a /dev/shm/b /tmp/b; do head -c 175M /dev/zero > $file; done 2> /dev/null
total=0
for file in /dev/shm/a /tmp/a /dev/shm/b /tmp/b; do total=$((total + $(stat -c %s $file))); done
[ $total -lt 734003200 ] || escaped "700 MB"
judge
