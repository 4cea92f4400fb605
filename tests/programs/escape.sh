# For the programs of the escape suite in sh: `escaped WHAT` for each way that worked, `judge` at the end.
worked=0
escaped() {
  echo "escaped: $1"
  worked=10
}
judge() {
  [ "$worked" != 0 ] || echo contained
  exit "$worked"
}
# plants PATH: whether a file can be made there.
plants() {
  (echo '#!/bin/sh' > "$1" && chmod +x "$1") 2> /dev/null
}
# reads_secret PATH
reads_secret() {
  grep -q TESSERA-SECRET "$1" 2> /dev/null
}
