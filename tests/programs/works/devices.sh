# /dev/null, /dev/zero, /dev/urandom, /proc/self work.
echo gone > /dev/null && cat /dev/null
head -c 4 /dev/zero | od -An -tx1
[ "$(head -c 16 /dev/urandom | od -An -tx1)" != "$(head -c 16 /dev/urandom | od -An -tx1)" ] && echo random
grep -c '^Name:' /proc/self/status
echo through > /dev/stderr
readlink /proc/self/exe | xargs basename
