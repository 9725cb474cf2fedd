#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In a guest, trackers find what is hot, of each kind of program, also where it moves (emulated; wide
# limits that hold on a busy machine), and kernel settings are as they were, also when sluice-bench was
# killed in between.
# Usage: tests/vm/test_score.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
expect 2 "there is no tracker 'none'" sluice-bench trackers --trackers none
expect 2 "there is no workload 'none'" sluice-bench trackers --workloads none
sluice-bench trackers --trackers damon,hintfault --workloads block --seconds 8 --mib 64 --json >/tmp/rows
check "sluice-bench trackers ends with $?, 0 wanted" test $? = 0
cat /tmp/rows
figure() { sed -n "s/.*\"tracker\":\"$1\".*\"$2\":\([0-9.]*\).*/\1/p" /tmp/rows; }
for tracker in damon hintfault; do
	for what in precision recall; do
		value=$(figure $tracker $what)
		check "$what of $tracker: $value, 0.95 wanted" awk -v x="$value" 'BEGIN { exit !(x != "" && x >= 0.95) }'
	done
	# Mostly one to three seconds; the limit is for machines that do much else.
	value=$(figure $tracker delay_90_s)
	check "delay of $tracker: $value s, 7 wanted at most" awk -v x="$value" 'BEGIN { exit !(x != "" && x <= 7) }'
done
# Each of the other programs, for which hint faults do. By chance an eighth would be right.
sluice-bench trackers --trackers hintfault --workloads zipf,moving,jump,stride,write,huge --seconds 12 --mib 64 \
	--json --report /tmp/page.html --result /tmp/result.json >/tmp/rows
check "sluice-bench trackers of all programs ends with $?, 0 wanted" test $? = 0
cat /tmp/rows
while read -r workload least; do
	value=$(sed -n "s/.*\"workload\":\"$workload\".*\"recall\":\([0-9.]*\).*/\1/p" /tmp/rows)
	check "recall of $workload: $value, $least wanted" awk -v x="$value" -v y="$least" 'BEGIN { exit !(x != "" && x >= y) }'
done <<EOL
zipf 0.25
moving 0.6
jump 0.8
stride 0.25
write 0.9
huge 0.9
EOL
for key in precision recall delay_90_s cpu_percent slowdown_percent metadata_bytes; do
	check "each row has $key" test "$(grep -c "\"$key\":" /tmp/rows)" = 6
done
check 'the page has a picture of each program' test "$(grep -c '<figure' /tmp/page.html)" -ge 6
expect 0 '' grep -q '"label": "The hot block jumps"' /tmp/result.json
unchanged 'after the run'
sluice-bench trackers --trackers hintfault --workloads block --seconds 20 --mib 32 >/dev/null 2>&1 &
bench=$!
sleep 4
check 'it has settings changed meanwhile' no is_as_before
kill -9 $bench
wait $bench 2>/dev/null
sluice restore >/dev/null
unchanged 'killed, and restored'
verdict
EOT
in_guest inside.sh --thp madvise --timeout 600
