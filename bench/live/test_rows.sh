#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# That live's rows are met exactly when they should be: made-up runs, evaluated by `live --from`.
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

# RUN/FILE of the made-up results; the content is a jq program.
make() { mkdir -p "$tmp/$(dirname "$1")" && jq -n -c "$2" >"$tmp/$1" || bad=1; }
# hotset's lines: 4 s of touching from second 6 on, then SECONDS of access, and its summary with EXTRA.
lines() { # FILE SECONDS SUMMARY-MEMBERS [LINE-MEMBERS]
	make "$1" "(range(1; 5) | {phase: \"touch\", t_s: ., mono_s: (6 + .)}),
		(range(1; $2 + 1) | {phase: \"access\", t_s: ., mono_s: (10 + .), hot_fast_share: 1, access_fast_share: 0.96} + (${4:-{\}})),
		({summary: true, access_s: $2, hot_bytes: 104857600, size_bytes: 734003200, hot_fast_share: 0.99} + $3)"
}
run() { # FILE UP DOWN CPU [SERIES-FILTER]: sluice run's document, 80 s
	make "$1" "{summary: {promoted_bytes: $2, demoted_bytes: $3, cpu_percent_steady: $4, target_cost_s: 1},
		series: [range(0; 81) | {t_s: ., fast_share: 0.95, promoted_bytes: ([., 8] | min * $2 / 8), demoted_bytes: ([., 8] | min * $3 / 8)} + (${5:-{\}})]}"
}
# The row whose name and part of whose description these are: yes or NO, and the figure.
row() { jq -r --arg n "$1" --arg w "$2" '.rows[] | select(.name == $n and (.what | contains($w))) | "\(.met) \(.measured)"' "$tmp/o.json"; }
wants() { # MET MEASURED NAME WHAT
	[ "$(row "$3" "$4")" = "$1 $2" ] || { echo "FAILED: $3, $4: '$(row "$3" "$4")', not '$1 $2'"; bad=1; }
}
evaluate() { # STATUS NAMES
	"$here/live" --from "$tmp" --json "$tmp/o.json" --only "$2" >"$tmp/out" 2>"$tmp/err"
	local status=$?
	[ $status = "$1" ] && [ ! -s "$tmp/err" ] || { echo "FAILED: --only $2 ends with $status, not $1: $(cat "$tmp/err")"; bad=1; }
	grep -q Emulated "$tmp/out" || { echo "FAILED: not told to be emulated"; bad=1; }
}

# All well.
good='{reached_98_s: 7, min_after_98: 0.985, accesses_per_s: 940000, accesses: 7000, jump_reached_95_s: 9, jumped_at_s: 25}'
lines hotset/h.jsonl 75 "$good"
run hotset/run.json 104857600 104857600 9
make hotset/uptime.json 6
make hotset/truth.jsonl '(range(1; 81) | {t_s: ., range: {node0: 940, node1: 60}})'
# Two turns without Sluice, from second 24 and 34 on; a turn's first second is any.
turns='({with: true, mono_s: 20}, {with: false, mono_s: 24}, {with: true, mono_s: 30}, {with: false, mono_s: 34}, {with: null, mono_s: 40})'
in_turns() { # FILE WITH WITHOUT
	lines "$1" 75 '{}' "{accesses_per_s: (. + 10 | if (. > 25 and . <= 30) or (. > 35 and . <= 40) then $3 elif . == 25 or . == 31 or . == 35 then 1 else $2 end)}"
}
make speed/turns.jsonl "$turns"
make uniform/turns.jsonl "$turns"
in_turns speed/h.jsonl 940000 1000000
for name in write jump zipf stride; do
	for file in h.jsonl run.json uptime.json truth.jsonl; do mkdir -p "$tmp/$name" && cp "$tmp/hotset/$file" "$tmp/$name/"; done
done
run two/run.json 314572800 314572800 10
cp "$tmp/hotset/h.jsonl" "$tmp/two/a.jsonl"
lines two/b.jsonl 75 '{reached_98_s: 10, min_after_98: 0.98}'
run uniform/run.json 5000000 5000000 5
in_turns uniform/h.jsonl 991500 1000000
lines cxl/before.jsonl 10 '{accesses_per_s: 100000}'
lines cxl/h.jsonl 45 '{accesses_per_s: 500000}'
for kind in cxl pmem; do make $kind/topology.json "{nodes: [{id: 0, kind: \"dram\"}, {id: 1, kind: \"$kind\", reason: \"because\"}]}"; done
make checksum/checksum.jsonl '{summary: true, pages: 16384, verified: 1000000, differences: 0, seconds: 60.1}'
run checksum/run.json 67108864 67108864 50
: >"$tmp/hotset/err"
evaluate 0 hotset,write,two,speed,truth,zipf,stride,jump,uniform,cxl,pmem,checksum
wants true 7 hotset '98 %'
wants true 0.985 hotset 'least share'
wants true 2 write 'moved'
wants true 10 two '98 %'
wants true 0.98 two 'least share'
wants true 3 two 'moved'
wants true 0.94 speed 'speed'
wants true 1 truth 'outside'
wants true 0.96 zipf 'Zipf'
wants true 1 stride '97 %'
wants true 9 jump '95 %'
wants true 0 uniform 'moved'
wants true 0.9915 uniform 'speed'
wants true 5 cxl 'speed'
wants true cxl cxl 'topology'
wants true 0 checksum 'changed'
wants true 2 checksum 'moved'
wants true 0 kernel 'oops'

# Each a little worse than promised.
lines hotset/h.jsonl 75 '{reached_98_s: 11, min_after_98: 0.97, accesses_per_s: 920000}' '{access_fast_share: 0.94}'
run hotset/run.json 314572800 1048576 10.5 '{fast_share: 0.97}'
lines two/b.jsonl 75 '{min_after_98: null, reached_98_s: null}'
cp "$tmp/hotset/h.jsonl" "$tmp/zipf/h.jsonl"
lines stride/h.jsonl 30 '{}' '{hot_fast_share: (if . < 16 then 0.96 else 0.98 end)}'
lines jump/h.jsonl 50 '{jump_reached_95_s: null}'
run uniform/run.json 20000000 20000000 5 '{promoted_bytes: (. * 1000000)}'
in_turns uniform/h.jsonl 985000 1000000
in_turns speed/h.jsonl 920000 1000000
lines cxl/h.jsonl 45 '{accesses_per_s: 490000}'
make cxl/topology.json '{nodes: [{id: 1, kind: "remote"}]}'
rm "$tmp/pmem/topology.json"
make checksum/checksum.jsonl '{summary: true, pages: 16384, verified: 1000000, differences: 1, seconds: 60.1}'
run checksum/run.json 33554432 0 50
echo "guest: the guest's kernel complained while the command ran: /nowhere" >"$tmp/zipf/err"
evaluate 1 hotset,two,speed,truth,zipf,stride,jump,uniform,cxl,pmem,checksum
[ "$(jq '[.rows[] | select(.met)] | map(.name + .what)' -c "$tmp/o.json")" = '["twomoved in all, beside the hot set'"'"'s size","twoCPU in the steady state"]' ] ||
	{ echo "FAILED: met though it should not be: $(jq -c '[.rows[] | select(.met) | .name + ": " + .what]' "$tmp/o.json")"; bad=1; }
wants false null two '98 %'
wants false 16 stride '97 %'
wants false null jump '95 %'
wants false remote cxl 'topology'
wants false null pmem 'topology'
wants false 1 kernel 'oops'
wants false 3 truth 'outside'

# A minute must be a minute; a hot set that was reached late was not kept for one.
lines hotset/h.jsonl 60 "$good"
evaluate 1 hotset
wants false null hotset 'least share'
# A checksum that ended early has shown nothing.
make checksum/checksum.jsonl '{summary: true, pages: 16384, verified: 1000, differences: 0, seconds: 6}'
evaluate 1 checksum
wants false null checksum 'changed'
# A guest that told nothing meets nothing.
rm -rf "${tmp:?}"/hotset "$tmp"/speed
evaluate 1 hotset,speed,truth
[ "$(jq '[.rows[] | select(.met or .measured != null)] | length' "$tmp/o.json")" = 0 ] || { echo "FAILED: met without a run"; bad=1; }

"$here/live" --only nosuch >/dev/null 2>&1
[ $? = 2 ] || { echo "FAILED: a wrong name is no wrong usage"; bad=1; }
exit $bad
