# A failing command's exit code comes through.
false || echo "false: $?"
sh -c 'exit 3' || echo "sh: $?"
exit 42
