# Plants an executable hook in the repository of the workspace.
(mkdir -p .git/hooks && echo '#!/bin/sh' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit) 2> /dev/null
(mv .git moved && mkdir -p .git/hooks && echo '#!/bin/sh' > .git/hooks/post-checkout) 2> /dev/null
[ ! -d moved ] || { rm -rf .git && mv moved .git; }
echo done
