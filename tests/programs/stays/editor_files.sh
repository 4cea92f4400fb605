# Plants files that editors and shells run when the folder is opened.
(mkdir -p .vscode && echo '{"tasks": []}' > .vscode/tasks.json) 2> /dev/null
(mkdir -p sub/.vscode && echo '{"tasks": []}' > sub/.vscode/tasks.json) 2> /dev/null
(echo 'export PATH=/tmp' > .envrc) 2> /dev/null
(mkdir -p .idea && echo '<project/>' > .idea/workspace.xml) 2> /dev/null
echo done
