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
sluice-bench trackers --trackers damon,hintfault --workloads block --seconds 10 --mib 128 --json >/tmp/rows
check "sluice-bench trackers ends with $?, 0 wanted" test $? = 0
cat /tmp/rows
figure() { sed -n "s/.*\"tracker\":\"$1\".*\"$2\":\([0-9.]*\).*/\1/p" /tmp/rows; }
for tracker in damon hintfault; do
	for what in precision recall; do
		value=$(figure $tracker $what)
		check "$what of $tracker: $value, 0.9 wanted" awk -v x="$value" 'BEGIN { exit !(x != "" && x >= 0.9) }'
	done
done
unchanged 'after the run'
sluice-bench trackers --trackers hintfault --workloads block --seconds 20 --mib 64 >/dev/null 2>&1 &
bench=$!
sleep 8
kill -9 $bench
wait $bench
sluice restore >/dev/null
unchanged 'killed, and restored'
verdict
EOT
in_guest inside.sh --timeout 110
