#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job in a guest, with wide limits that hold on a busy machine: a program's hot set, which
# lies in slow memory, comes to fast memory, at no more than a few times its size in moves.
# bench/live measures how well.
# Usage: tests/vm/test_main_job.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
sluice run --json-out /tmp/run.json -- hotset --size 700M --hot 100M --seconds 25 --report /tmp/h.jsonl
check "sluice run ends with $?, 0 wanted" test $? = 0
share() { sed -n 's/.*"hot_fast_share":\([0-9.]*\).*/\1/p' /tmp/h.jsonl | "$1" -n 1; }
first=$(grep '"phase":"access"' /tmp/h.jsonl | sed -n '1s/.*"hot_fast_share":\([0-9.]*\).*/\1/p')
check "at first little of the hot set is in fast memory: share $first" awk -v x="$first" 'BEGIN { exit !(x != "" && x <= 0.2) }'
check "at the end most is: $(share tail)" awk -v x="$(share tail)" 'BEGIN { exit !(x >= 0.9) }'
figure() { sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" /tmp/run.json | head -n 1; }
up=$(figure promoted_bytes) down=$(figure demoted_bytes)
check "promoted $up and demoted $down bytes: the hot set, and at most six times its size" \
	test $((up)) -ge $((80 << 20)) -a $((up + down)) -le $((600 << 20))
check 'fast memory was not filled past the kernel'"'"'s reach' no grep -q '"no_memory": [1-9]' /tmp/run.json
unchanged 'after the run'
verdict
EOT
in_guest inside.sh --timeout 160
