#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In a guest, each tracker finds a hot block (emulated; wide limits that hold on a busy machine), and
# kernel settings are as they were, also when sluice-bench was killed in between.
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
in_guest inside.sh --timeout 110
