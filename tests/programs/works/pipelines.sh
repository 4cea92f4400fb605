# Pipelines, sort, awk, sed, grep, subshells.
printf '3 c\n1 a\n2 b\n' | sort -n | awk '{ s += $1; print $2 } END { print s }' | sed 's/a/A/' | grep -v b
(cd sub && ls | wc -l) && x=$(printf 'x%s' y) && echo "$x" | tr xy XY
diff notes.txt notes.txt && find . -name '*.txt' | xargs -n 1 basename | sort
