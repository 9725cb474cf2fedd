#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice run with a fake engine: exit statuses, signals, children, the report, and that whatever
# happens the machine is put back (STATE/changed is gone).
. "$(dirname "$0")/cli_common.sh" "$@"
run=("$fake/sluice" run --sysroot "$root" --state-dir "$state" --policy-dir "$policies")
put_back() { check "put back after: $1" soon test ! -e "$state/changed"; }

"${run[@]}" --quiet -- sh -c 'exit 7' 2>"$tmp/err"
check "the command's status is ours" test $? = 7
check "quiet says nothing" test ! -s "$tmp/err"
put_back "a plain run"
"${run[@]}" --quiet -- sh -c 'kill -9 $$'
check "128 and the signal" test $? = 137
expect 127 "cannot run 'no-such-command'" "${run[@]}" -- no-such-command
expect 126 "cannot run '/'" "${run[@]}" -- /
put_back "an exec that failed"
check "stdin, stdout and arguments are the command's" \
	test "$(echo in | "${run[@]}" --quiet -- sh -c 'cat; echo "$1"' sh 'a  b')" = "$(printf 'in\na  b')"
"${run[@]}" --quiet -- sh -c 'ls -1 /proc/self/fd' >"$tmp/fds"
sh -c 'ls -1 /proc/self/fd' >"$tmp/fds-without"
check "the command inherits no descriptor of ours" cmp "$tmp/fds" "$tmp/fds-without"
"${run[@]}" --quiet -- sh -c 'grep SigBlk /proc/self/status' >"$tmp/mask"
check "the command has no signal blocked" grep -q 'SigBlk:[[:space:]]*0000000000000000' "$tmp/mask"

# The report: five seconds of a made-up engine.
"${run[@]}" --json-out "$tmp/r.json" -- sh -c 'sleep 5; exit 4' 2>"$tmp/err"
check "status with a report" test $? = 4
json "$tmp/r.json" '.exit_status == 4 and .signal == null and .tiered and .error == null'
json "$tmp/r.json" '.command == ["sh", "-c", "sleep 5; exit 4"] and .version and .options.rate == "200MB/s"'
json "$tmp/r.json" '.summary.seconds > 4.9 and .summary.seconds < 8'
json "$tmp/r.json" '.summary.promoted_bytes == 104857600 and .summary.demoted_bytes == 94371840'
json "$tmp/r.json" '.summary.fast_share > 0.97 and .summary.outcome_pages.moved == 48640'
json "$tmp/r.json" '.summary.cpu_percent_steady > 0.9 and .summary.cpu_percent_steady < 20'
json "$tmp/r.json" '(.series | length) >= 5 and (.series | length) <= 8'
json "$tmp/r.json" '[.series[].t_s] | . == sort'
json "$tmp/r.json" '[.series[].promoted_bytes] | . == sort'
json "$tmp/r.json" '.series[0] | has("fast_share", "demoted_bytes", "cpu_ms", "kernel_cpu_ms", "samples", "target_cost_ms", "tier_free_bytes")' 2>/dev/null
check "people read what moved" grep -q '100 MiB up, 90 MiB down' "$tmp/err"
check "people read the share" grep -q '98 % of accesses by fast memory (dram)' "$tmp/err"
json "$tmp/r.json" '.note == "fake note" and .summary.fast_full_s > 2 and .summary.fast_full_s < 7'
check "people read for how long fast memory was full" grep -qE 'fast memory was full for [2-6] of [5-7] s' "$tmp/err"
check "and what the service had to say" grep -q 'note    fake note' "$tmp/err"
"${run[@]}" --dry-run -- true 2>"$tmp/err"
check "a dry run moves nothing, and says so" grep -q 'nothing, as it was a dry run' "$tmp/err"
check "no half-written report is left" test "$(ls "$tmp" | grep -c 'r.json')" = 1
"${run[@]}" --json -- true 2>"$tmp/j.json"
json "$tmp/j.json" '.exit_status == 0 and .tiered'
"${run[@]}" --json-out "$tmp/none/r.json" --quiet -- true 2>"$tmp/err"
check "a report that cannot be written is said" grep -q "cannot write '$tmp/none/r.json'" "$tmp/err"

# Signals to us reach the command once, and we end with it.
"${run[@]}" --quiet -- sh -c 'trap "echo got >>'"$tmp"'/got; exit 9" TERM; echo up >'"$tmp"'/up; while :; do sleep 0.1; done' &
pid=$!
soon test -e "$tmp/up"
kill -TERM $pid
wait $pid
check "SIGTERM goes on to the command" test $? = 9
check "and once" test "$(wc -l <"$tmp/got")" = 1
put_back "SIGTERM"

# kill -9 of sluice: the private service sees its end close, and puts back.
"${run[@]}" --quiet -- sleep 30 &
pid=$!
soon test -e "$state/changed"
soon pgrep -P $pid -x sleep
child=$(pgrep -P $pid -x sleep)
kill -KILL $pid
wait $pid 2>/dev/null
put_back "kill -9 of sluice"
check "the command lives on" kill -0 "$child"
kill "$child"

# The service dies: the command runs on, what was changed is put back by another.
"${run[@]}" --json-out "$tmp/d.json" -- sh -c "while [ ! -e $tmp/go ]; do sleep 0.1; done; exit 5" 2>"$tmp/err" &
pid=$!
soon test -e "$state/changed"
soon pgrep -P $pid -x sh
kill -KILL "$(pgrep -P $pid -x sluiced)"
put_back "death of the service"
touch "$tmp/go"
wait $pid
check "the command's status, though the service died" test $? = 5
check "it is said" grep -q 'runs on untiered' "$tmp/err"
json "$tmp/d.json" '.tiered == false and .error != null and .exit_status == 5'

# Children are attached as they appear, and one engine at a time is steering.
"${run[@]}" --quiet -- sh -c 'sleep 3 & sleep 3 & wait' &
pid=$!
soon test -e "$state/changed"
expect 6 "another sluiced (pid " "${run[@]}" -- true
check "the first is not disturbed" test -e "$state/changed"
kill -TERM $pid
wait $pid 2>/dev/null
put_back "two at once"
exit $bad
