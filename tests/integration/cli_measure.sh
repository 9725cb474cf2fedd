#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice topology --measure on the machine that runs the test, whatever it is: sane figures with
# their spread, kept and found again; its time and its refusals; Ctrl-C.
. "$(dirname "$0")/cli_common.sh" "$@"
kept=$tmp/kept
measure=("$real/sluice" topology --measure --state-dir "$kept")

start=$(date +%s)
"${measure[@]}" --seconds 3 --memory 64M --json >"$tmp/m.json" 2>"$tmp/err"
status=$?
took=$(($(date +%s) - start))
if grep -q 'no memory policies' "$tmp/err"; then
	echo "this kernel has no memory policies: refused as it should be, nothing to measure"
	check "it is refused with a status" test $status = 6
	exit $bad
fi
check "it ends with 0, not $status: $(cat "$tmp/err")" test $status = 0
check "--seconds 3 takes $took s" test $took -le 20
json "$tmp/m.json" '.ok and (.running | not) and (.interrupted | not) and .pairs_done == .pairs_total and .pairs_total >= 1'
json "$tmp/m.json" '.stores == "non-temporal" or .stores == "plain"'
json "$tmp/m.json" '.pairs | all(.done)'
# Memory takes nanoseconds to microseconds; bandwidths of anything are above a MB/s.
json "$tmp/m.json" '.pairs[0].read_latency_ns | .median > 5 and .median < 100000 and .spread_percent >= 0 and .passes >= 3 and .threads == 1'
json "$tmp/m.json" '.pairs[0] | [.read_bw_mbps, .write_bw_mbps, .mixed_bw_mbps] | all(.median > 1 and .median < 10000000 and .spread_percent >= 0 and .passes >= 3 and .threads >= 1)'
json "$tmp/m.json" '.pairs[0] | .memory_bytes >= 2097152 and .memory_bytes <= 67108864'
json "$tmp/m.json" '.kept_in | endswith("/kept")'
check "they are kept" grep -q '^pair 0 0 read_latency_ns=' "$kept"/measured-*.txt
check "and nothing else is in the folder" test "$(ls "$kept" | wc -l)" = 1
"$real/sluice" topology --state-dir "$kept" --json >"$tmp/t.json"
json "$tmp/t.json" '.nodes[0].read_latency_ns > 0'

"${measure[@]}" --seconds 1 --memory 16M >"$tmp/out"
check "a table is for people" grep -q '^ *0  *0 .* ns ±.*B/s ±.*% ×' "$tmp/out"
expect 2 'too short to measure' "${measure[@]}" --seconds 0.01
expect 2 "'soon' is not a number of seconds" "${measure[@]}" --seconds soon
expect 2 "'0' is not above 0" "${measure[@]}" --seconds 0
expect 2 "less than 4M" "${measure[@]}" --memory 1K
expect 2 "'0' is not CPU-NODE:MEMORY-NODE" "${measure[@]}" --pair 0
expect 2 "'0:-1' is not CPU-NODE:MEMORY-NODE" "${measure[@]}" --pair 0:-1
expect 2 "node 1023 has no memory" "${measure[@]}" --pair 0:1023
expect 2 "node 1023 has no CPUs" "${measure[@]}" --pair 1023:0
expect 2 "--pair needs --measure" "$real/sluice" topology --pair 0:0
expect 2 "only the machine itself can be measured" "${measure[@]}" --sysroot "$root"
expect 2 "only the machine itself can be measured" "${measure[@]}" --synthetic "dram:8G cxl:32G"
: >"$tmp/file"
"$real/sluice" topology --measure --state-dir "$tmp/file/x" --seconds 1 --memory 16M --json >"$tmp/m.json" 2>/dev/null
json "$tmp/m.json" '.kept_in == null and (.warnings[0] | test("cannot make the folder")) and .pairs[0].read_latency_ns.median > 5'

# A user of no other process, who may have two: sluice and sluiced, but no thread to measure with.
other=(setpriv --reuid=64987 --regid=64987 --clear-groups env HOME=/nonexistent XDG_RUNTIME_DIR=/nonexistent)
if [ "$(id -u)" = 0 ] && "${other[@]}" test -x "$real/sluiced" 2>/dev/null; then
	expect 1 "cannot start a thread to measure with" "${other[@]}" \
		sh -c 'ulimit -u 2 2>/dev/null || ulimit -p 2; exec "$@"' sh "$real/sluice" topology --measure --seconds 1
fi

"${measure[@]}" --seconds 60 --json >"$tmp/m.json" 2>"$tmp/err" &
pid=$!
sleep 2
kill -INT $pid
wait $pid
check "Ctrl-C gives $?, not 130" test $? = 130
check "and says what became of it" grep -q 'ended early: 0 of ' "$tmp/err"
json "$tmp/m.json" '.interrupted and .kept_in == null'
check "what was kept before stays" grep -q '^pair 0 0 read_latency_ns=' "$kept"/measured-*.txt
exit $bad
