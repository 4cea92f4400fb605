# Runs 20 processes at once and waits for them.
for i in $(seq 20); do
  (sleep 0.05; echo "$i" > "out-$i") &
done
wait
cat out-* | sort -n | tail -n 1
ls out-* | wc -l
rm out-*
