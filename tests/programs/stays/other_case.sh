# Makes a repository under another case of its name, which is the same on a file system without case.
(mkdir -p fresh/.GIT/hooks && echo '#!/bin/sh' > fresh/.GIT/hooks/pre-commit) 2> /dev/null
echo done
