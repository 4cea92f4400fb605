# nsenter into the namespaces of a process outside.
. "${0%/*}/../escape.sh"
for which in --mount --all --root "--user --mount"; do
  # The folder does not exist inside, so the file can be made only by getting out.
  nsenter --target "$VICTIM" $which -- /bin/sh -c 'echo x > "$0/planted"' "$OUTSIDE" 2> /dev/null &&
    escaped "nsenter $which"
done
judge
