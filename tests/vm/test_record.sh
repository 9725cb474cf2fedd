#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Recording in a guest with real tiers: page by page with a sentinel, moving nothing, then with moves;
# what it costs, that it is within its bounds, and that what was hot is hot in the picture.
# Usage: tests/vm/test_record.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
figure() { sed -n "s/^ *\"$2\": *\([0-9][0-9.]*\).*/\1/p" "$1" | head -n 1; }
least() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x != "" && x >= y) }'; }

sluice record --json -o /tmp/t.trace -- hotset --size 250M --hot 60M --seconds 8 --report /tmp/h.jsonl 2>/tmp/r.json
check "sluice record ends with $?, 0 wanted" test $? = 0
sluice trace check /tmp/t.trace
check "the trace is sound" test $? = 0
sluice trace info --json /tmp/t.trace >/tmp/i.json
sluice trace info /tmp/t.trace
for kind in armed touch rate; do
	check "there are samples of kind $kind: $(figure /tmp/i.json $kind)" least "$(figure /tmp/i.json $kind)" 1
done
check "nothing was lost: $(figure /tmp/r.json lost_samples)" test "$(figure /tmp/r.json lost_samples)" = 0
check "nothing was moved" no grep -q '"moves": [1-9]' /tmp/i.json
samples=$(figure /tmp/i.json samples) bytes=$(figure /tmp/i.json bytes_per_sample)
check "$samples samples, which are $bytes bytes each: 2.5 at most" awk -v x="$bytes" 'BEGIN { exit !(x > 0 && x <= 2.5) }'
cpu=$(figure /tmp/r.json cpu_ms) seconds=$(figure /tmp/r.json seconds)
echo "emulated: writing took $cpu ms of CPU in $seconds s"
# The emulator is some thirty times slower at this than the machine under it.
check "writing takes 15 % of an emulated CPU at most" awk -v c="$cpu" -v s="$seconds" 'BEGIN { exit !(c != "" && c / s / 10 <= 15) }'
sluice heatmap /tmp/t.trace --rows 16 --columns 60
check "the picture has samples" test $? = 0
unchanged 'after the recording'

sluice run --quiet --record /tmp/m.trace -- hotset --size 600M --hot 100M --seconds 15 --report /tmp/h.jsonl
check "sluice run --record ends with $?, 0 wanted" test $? = 0
sluice trace info --json /tmp/m.trace >/tmp/m.json
check "moves are in the trace: $(figure /tmp/m.json moves)" least "$(figure /tmp/m.json moves)" 1
check "two tiers are: $(grep -c latency_ns /tmp/m.json)" test "$(grep -c latency_ns /tmp/m.json)" = 2
unchanged 'after the run'

# Killed at once: what was written before is there, and the settings are put back.
sluice record -o /tmp/k.trace -- hotset --size 150M --hot 50M --seconds 60 --report /tmp/h.jsonl 2>/dev/null &
sleep 6
kill -9 "$(pidof sluiced)"
sluice trace check /tmp/k.trace
check "a trace whose writer was killed can be read" test $? = 0
sluice trace info --json /tmp/k.trace >/tmp/k.json
check "and has samples: $(figure /tmp/k.json samples)" least "$(figure /tmp/k.json samples)" 1
check "and is known to be cut" grep -q '"whole": false' /tmp/k.json
kill %1; wait 2>/dev/null
sluice restore
unchanged 'after it was killed'
verdict
EOT
in_guest inside.sh --timeout 300
