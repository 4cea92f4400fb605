# Makes a repository of its own with a hook.
(mkdir -p fresh/.git/hooks && echo '#!/bin/sh' > fresh/.git/hooks/pre-commit) 2> /dev/null
# A file with that name leads to a repository somewhere else.
(mkdir -p pointed && echo 'gitdir: ../fresh/elsewhere' > pointed/.git) 2> /dev/null
echo done
