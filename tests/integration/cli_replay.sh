#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice replay: a table for people, JSON and a page with the same figures, equal seeds with equal
# results, and wrong words refused with a sentence and the documented status.
. "$(dirname "$0")/cli_common.sh" "$@"
replay=("$real/sluice" replay --policy-dir "$policies" --memory 256M --seconds 10)

expect 0 "" "${replay[@]}" gups --policy hotness,watermark --report "$tmp/page.html"
for word in POLICY '(all fast)' '(all slow)' '(first touch)' hotness watermark modelled; do
	check "the table has $word" grep -qF "$word" "$tmp/out"
done
check "the page says that figures are modelled" grep -q 'Modelled hardware' "$tmp/page.html"
check "the page has a picture" grep -q '<svg' "$tmp/page.html"

expect 0 "" "${replay[@]}" gups --policy hotness --runs 3 --jobs 2 --json
cp "$tmp/out" "$tmp/one"
json "$tmp/one" '.schema == "sluice-result/1" and .machine.modelled and (.machine.emulated | not)'
json "$tmp/one" '.replay.bounds | .all_fast.wall_ns < .first_touch.wall_ns and .first_touch.wall_ns <= .all_slow.wall_ns'
json "$tmp/one" '.replay.rows | length == 1 and (.[0] | .workload == "gups" and .input == "exact" and .policy == "hotness")'
json "$tmp/one" '.replay.rows[0] | .wall_half_ns != null and .promoted_bytes > 0 and .gain > 0 and .gain < 1 and .decide_ns > 0'
json "$tmp/one" '[.replay.tiers[] | .kind] == ["dram", "cxl"] and all(.replay.tiers[]; .source != "")'
expect 0 "" "${replay[@]}" gups --policy hotness --runs 3 --jobs 1 --json
timeless='del(.. | .decide_ns?, .decide_max_ns?)'
check "equal seeds give equal results" cmp <(jq "$timeless" "$tmp/one") <(jq "$timeless" "$tmp/out")
expect 0 "" "${replay[@]}" gups-jump1 --policy hotness --seed 2 --json
cp "$tmp/out" "$tmp/two"
expect 0 "" "${replay[@]}" gups-jump1 --policy hotness --seed 3 --json
check "other seeds give others" no cmp -s <(jq "$timeless" "$tmp/two") <(jq "$timeless" "$tmp/out")
expect 0 "" "${replay[@]}" gups --policy hotness:band=2 --input hintfault --ratio 1:4 --pages 2m --json
json "$tmp/out" '.replay.rows[0] | .policy == "hotness:band=2" and .tracking_ns > 0 and .ratio > 3.9 and .ratio < 4.2'
json "$tmp/out" '.replay.pages == "2m"'
expect 0 "" "$real/sluice" replay --list
check "workloads are listed" grep -q 'pagerank' "$tmp/out"
expect 0 "" "$real/sluice" replay --list --json
json "$tmp/out" '(.workloads | length >= 20) and ([.inputs[].name] == ["exact", "hintfault", "pmu", "damon"])'

# Traces: what a tracker told of a made-up program becomes a program again.
for input in exact hintfault pmu damon; do
	expect 0 "" "$real/sluice" trace make hot --output "$tmp/$input.trace" --size 128M --seconds 20 --as $input
	expect 0 "" "$real/sluice" replay --policy-dir "$policies" --policy hotness "$tmp/$input.trace" --json
	json "$tmp/out" '.replay | .bytes >= 100000000 and .bytes <= 150000000 and .epochs >= 19 and .epochs <= 21'
	json "$tmp/out" '.replay.bounds | .all_slow.wall_ns > .all_fast.wall_ns'
done
echo nonsense >"$tmp/no.trace"
expect 2 "$tmp/no.trace" "${replay[@]}" "$tmp/no.trace"
expect 2 "$tmp/none.trace" "${replay[@]}" "$tmp/none.trace"

expect 2 "no workload and no trace is named" "${replay[@]}"
expect 2 "there is no workload 'nope'" "${replay[@]}" nope
expect 2 "one workload or trace at a time" "${replay[@]}" gups scan
expect 2 "'--frob' is not understood" "${replay[@]}" gups --frob
expect 2 "'tape' is no kind" "${replay[@]}" gups --tiers "dram:25% tape:75%"
expect 2 "give one" "${replay[@]}" gups --tiers "dram:25% cxl:75%" --ratio 1:4
expect 2 "--ratio: '4'" "${replay[@]}" gups --ratio 4
expect 2 "--input: 'eyes'" "${replay[@]}" gups --input eyes
expect 2 "--pages: '1g'" "${replay[@]}" gups --pages 1g
expect 2 "--runs: 0" "${replay[@]}" gups --runs 0
expect 2 "--seconds: " "${replay[@]}" gups --seconds 0
expect 2 "--epoch: " "${replay[@]}" gups --epoch 1ms
expect 2 "longer than all of it" "${replay[@]}" gups --epoch 60s
expect 2 "128 MiB" "${replay[@]}" gups --memory 1M
expect 2 "means nothing to a replay" "${replay[@]}" gups --sampler damon
expect 2 "NAME:KEY=VALUE" "${replay[@]}" gups --policy hotness:band
expect 2 "a name is missing" "${replay[@]}" gups --policy hotness,,watermark
expect 7 "nope" "${replay[@]}" gups --policy nope
expect 7 "no setting 'frob'" "${replay[@]}" gups --policy hotness:frob=1
expect 1 "cannot write" "${replay[@]}" gups --report "$tmp/none/page.html" --json
json "$tmp/out" '.ok == false and .error.message != ""'
exit $bad
