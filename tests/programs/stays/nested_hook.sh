# Plants a hook in a nested repository.
(mkdir -p vendor/sub/.git/hooks && echo '#!/bin/sh' > vendor/sub/.git/hooks/pre-commit) 2> /dev/null
echo done
