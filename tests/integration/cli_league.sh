#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice-bench league: rows of the documented form, equal seeds with equal results, a table and a page
# with the same figures, traces, and wrong words refused.
. "$(dirname "$0")/cli_common.sh" "$@"
league=("$real/sluice-bench" league --policy-dir "$policies" --memory 128M --seconds 5)

expect 0 "" "${league[@]}" --quick --workload gups,kv --policy hotness,first-touch,lru-like --json --report "$tmp/page.html"
cp "$tmp/out" "$tmp/one"
json "$tmp/one" '.schema == "sluice-result/1" and .machine.modelled and (.machine.emulated | not)'
json "$tmp/one" '.league.rows | length == 12' # workloads, inputs, policies
json "$tmp/one" 'all(.league.rows[]; (.workload | type) == "string" and .ratio == 4 and
	(.input == "exact" or .input == "hintfault") and (.policy | type) == "string" and
	([.of_oracle, .stall_ns, .fast_share, .moved_bytes, .pingpong_share, .decide_ns, .wall_ns,
	.behind] | all(type == "number")) and .fast_share >= 0 and .fast_share <= 1)'
json "$tmp/one" 'all(.league.oracles[]; .policy == "oracle" and .all_fast_ns < .wall_ns and
	.wall_ns < .all_slow_ns and .gap >= 0 and .gap < 0.02)'
json "$tmp/one" '[.league.oracles[].kind] == ["stationary", "stationary"]'
json "$tmp/one" '.league.standings | length == 6 and all(.[]; .rows == 2)'
json "$tmp/one" '[.league.rows[] | select(.workload == "gups" and .input == "exact")] |
	(map(select(.policy == "hotness"))[0].of_oracle > map(select(.policy == "first-touch"))[0].of_oracle)'
# A share is what the table of contents says it is.
json "$tmp/one" '.league as $l | $l.rows[0] as $r | $l.oracles[0] as $o |
	(($o.all_slow_ns - $r.wall_ns) / ($o.all_slow_ns - $o.wall_ns) - $r.of_oracle) | fabs < 1e-3'
check "the page says that figures are modelled" grep -q 'Modelled hardware' "$tmp/page.html"
check "the page has a grid" grep -q '<title id="grid1-0-t">Share of the oracle' "$tmp/page.html"
expect 0 "" "${league[@]}" --quick --workload gups,kv --policy hotness,first-touch,lru-like --json --jobs 1
timeless='del(.. | .decide_ns?)'
check "equal seeds give equal results" cmp <(jq "$timeless" "$tmp/one") <(jq "$timeless" "$tmp/out")

expect 0 "" "${league[@]}" --workload gups-jump1 --ratio 1:1,1:4 --input exact --runs 2 --policy hotness,watermark --json
json "$tmp/out" '.league.rows | length == 4 and all(.[]; .of_oracle_half != null) and ([.[].ratio] == [1, 1, 4, 4])'
json "$tmp/out" 'all(.league.oracles[]; .kind == "shifting")'
# All policies of the folders, but for the skeleton, the default first.
expect 0 "" "${league[@]}" --quick --workload uniform --input exact
for word in modelled hotness arms-like watermark 'uniform 1:4' Standings 'The oracle' stationary; do
	check "the table has $word" grep -qF "$word" "$tmp/out"
done
check "the skeleton does not play" no grep -q skeleton "$tmp/out"

expect 0 "" "$real/sluice" trace make hot --output "$tmp/hot.trace" --size 128M --seconds 5 --as exact
expect 0 "" "${league[@]}" --trace "$tmp/hot.trace" --ratio 1:4 --input exact --runs 1 --policy hotness --json
json "$tmp/out" '[.league.rows[].workload] == ["hot.trace"] and .league.rows[0].behind == null'

expect 2 "cannot read" "${league[@]}" --trace "$tmp/none.trace"
expect 2 "there is no workload 'nope'" "${league[@]}" --workload nope
expect 2 "an item of 'gups,' is empty" "${league[@]}" --workload gups,
expect 2 "'4' is not FAST:SLOW" "${league[@]}" --ratio 4
expect 2 "'eyes' is no tracker" "${league[@]}" --input eyes
expect 2 "'tape' is no kind" "${league[@]}" --quick --workload gups --slow tape
expect 2 "--shrink: '0'" "${league[@]}" --shrink 0
expect 2 "'--frob'" "${league[@]}" --frob 1
expect 2 "needs a value" "${league[@]}" --ratio
expect 2 "'gups' is not understood" "${league[@]}" gups
expect 2 "--runs: 0" "${league[@]}" --runs 0
expect 7 "nope" "${league[@]}" --quick --workload gups --policy nope
expect 1 "cannot write" "${league[@]}" --quick --workload gups --input exact --policy hotness --report "$tmp/none/page.html"
expect 0 "" "$real/sluice-bench" league --help
check "--help names --quick" grep -q -- '--quick' "$tmp/out"
exit $bad
