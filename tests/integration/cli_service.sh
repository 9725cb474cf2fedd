#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The service with a fake engine: attach, detach, status, top, follow, the socket, and its end.
. "$(dirname "$0")/cli_common.sh" "$@"
sock=$tmp/s.sock
sluice() { "$fake/sluice" --socket "$sock" "$@"; }
service=("$fake/sluiced" --sysroot "$root" --state-dir "$state" --policy-dir "$policies" --socket "$sock")

printf 'watermark = 5%%\nrate = 10M\n[policy]\nmin_age_ms = 1000\n' >"$tmp/s.conf"
"${service[@]}" --config "$tmp/s.conf" --rate 20M --log-level info 2>"$tmp/log" &
daemon=$!
pids+=($daemon)
check "the service comes up" soon test -S "$sock"
check "nobody else may connect" test "$(stat -c %a "$sock")" = 600
check "the effective values are printed" grep -q 'rate = 20M (command line)' "$tmp/log"
check "with those of the file" grep -q 'watermark = 5% (file)' "$tmp/log"
expect 1 "another sluiced serves" "$fake/sluiced" --sysroot "$root" --state-dir "$tmp/state2" \
	--policy-dir "$policies" --socket "$sock"
expect 6 "another sluiced (pid $daemon)" "${service[@]}" --socket "$tmp/s2.sock"
check "the first still serves" sluice status
expect 6 "another sluiced (pid $daemon)" "$fake/sluice" run --sysroot "$root" --state-dir "$state" \
	--policy-dir "$policies" -- true

sleep 60 &
one=$!
pids+=($one)
expect 0 "" sluice attach $one
expect 1 "attached already" sluice attach $one
expect 3 "no process 4194303" sluice attach 4194303
expect 9 "cannot be tiered" sluice attach 1
expect 9 "cannot be tiered" sluice attach $daemon
expect 2 "usage" sluice attach
expect 2 "0 is not between" sluice attach 0
expect 3 "not attached" sluice detach 4194303
expect 2 "not a process id" sluice detach init
cp "$(command -v sleep)" "$tmp/refuse-me"
"$tmp/refuse-me" 60 &
refused=$!
pids+=($refused)
soon grep -q refuse-me "/proc/$refused/comm"
expect 4 "not allowed" sluice attach refuse-me
cp "$(command -v sleep)" "$tmp/named-one"
"$tmp/named-one" 60 & pids+=($!)
"$tmp/named-one" 60 & pids+=($!)
soon sh -c "pgrep -c -x named-one | grep -qx 2"
sluice --json attach named-one >"$tmp/a.json"
json "$tmp/a.json" '.ok and (.pids | length) == 2'

printf -v evil 'ev\033[31mil'
cp "$(command -v sleep)" "$tmp/$evil"
"$tmp/$evil" 60 & evil_pid=$! && pids+=($evil_pid)
soon grep -q ev "/proc/$evil_pid/comm"
expect 0 "" sluice attach $evil_pid
sluice status >"$tmp/out"
check "a process's name cannot command the terminal" no grep -q $'\033' "$tmp/out"
check "it is shown all the same" grep -qF 'ev?[31mil' "$tmp/out"
expect 0 "" sluice detach $evil_pid
sluice --json status >"$tmp/st.json"
json "$tmp/st.json" '.ok and .policy == "fake-policy" and .samplers == ["fake", "other"] and (.targets | length) == 3'
json "$tmp/st.json" '.tiers[0].kind == "dram" and .tiers[0].latency_ns == 80 and .tiers[1].latency_ns == null'
json "$tmp/st.json" '.tiers | map(.access_share) | add > 0.999'
sluice status >"$tmp/out"
check "people see targets" grep -q named-one "$tmp/out"
check "and no escape sequences in a pipe" no grep -q $'\033' "$tmp/out"
check "an unknown latency is unknown" grep -qE 'cxl.*unknown' "$tmp/out"
expect 0 "" sluice detach $one

# The raw protocol of emptying a node: it lasts as long as the connection that asked for it.
raw() { # LINE...: sends each over one connection, prints the answers
	perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => shift) or die; $s->autoflush(1);
		for (@ARGV) { print $s "$_\n"; print scalar <$s>; }' "$sock" "$@"
}
drain='{"verb":"drain","node":1}'
raw "$drain" "$drain" "$drain" '{"verb":"status"}' >"$tmp/drain"
check "a drain tells how far it is, and ends" test \
	"$(jq -c 'select(.verb == null and .moved_bytes) | [.moved_bytes / 1048576, .complete]' <"$tmp/drain" | tr -d '\n')" = "[1,false][2,false][3,true]"
check "the status tells of it" jq -se '.[3].leaving.node == 1' "$tmp/drain"
check "with the connection it is over" soon sh -c "'$fake/sluice' --socket '$sock' --json status | jq -e '.leaving == null'"
raw '{"verb":"drain","node":5}' '{"verb":"drain"}' '{"verb":"tier_open","device":"mem0","action":"online"}' \
	'{"verb":"tier_step"}' >"$tmp/drain"
check "there is no such node" jq -se '.[0].error | .exit == 10 and (.message | test("no node 5"))' "$tmp/drain"
check "a node has to be named" jq -se '.[1].error.exit == 2' "$tmp/drain"
check "the running service changes no devices" jq -se '.[2].error | .exit == 2 and (.message | test("hold it up"))' "$tmp/drain"
check "nor does it step" jq -se '.[3].error.exit == 2' "$tmp/drain"
sluice --json config show >"$tmp/c.json"
json "$tmp/c.json" '.options | map(select(.key == "rate"))[0].values == ["20M"]'
sluice --json doctor >"$tmp/d.json"
json "$tmp/d.json" '.checks | map(select(.check == "other sluiced"))[0].verdict == "ok"'

check "top ends by itself when piped" sh -c "timeout 5 '$fake/sluice' --socket '$sock' top --iterations 3 --delay 100ms | grep -c '^sluiced' | grep -qx 3"
sluice --json top --iterations 2 --delay 100ms >"$tmp/t.json"
check "one object a line" test "$(wc -l <"$tmp/t.json")" = 2
json "$tmp/t.json" '.event == "status"'
expect 2 "'1ms' is not" sluice top --delay 1ms
if command -v script >/dev/null; then
	(sleep 1; printf q) | TERM=xterm LC_ALL=C.UTF-8 timeout 10 script -qec \
		"stty cols 100 rows 24; '$fake/sluice' --socket '$sock' top --delay 100ms" /dev/null >"$tmp/screen"
	check "q ends the screen" test $? = 0
	on_terminal() { # COLUMNS COMMAND...: what a terminal of that width gets
		local columns=$1
		shift
		TERM=xterm LC_ALL=C.UTF-8 timeout 10 script -qec "stty cols $columns rows 24; $*" /dev/null >"$tmp/tty"
	}
	on_terminal 80 "'$fake/sluice' --socket '$sock' status"
	check "a terminal gets bold headings" grep -q $'\033\[1m' "$tmp/tty"
	on_terminal 80 "NO_COLOR=1 '$fake/sluice' --socket '$sock' status"
	check "but not with NO_COLOR" no grep -q $'\033' "$tmp/tty"
	on_terminal 80 "NO_COLOR= '$fake/sluice' --socket '$sock' status"
	check "which counts only when it says something" grep -q $'\033\[1m' "$tmp/tty"
	for words in "run --help" "--help" doctor policies; do
		on_terminal 80 "NO_COLOR=1 '$fake/sluice' $words --socket '$sock'"
		check "sluice $words fits 80 columns" awk '{ sub(/\r$/, "") } length > 80 { exit 1 }' "$tmp/tty"
	done
	(sleep 1; printf q) | on_terminal 80 "'$fake/sluice' --socket '$sock' top --delay 100ms"
	check "top shows each target's share at 80 columns" grep -q SERVED "$tmp/tty"
	check "the screen shows tiers" grep -q 'cxl' "$tmp/screen"
	check "and leaves the alternate screen" grep -q $'\033\\[?1049l' "$tmp/screen"
fi

# Children of a followed process.
sh -c 'sleep 1; sleep 60 & sleep 60 & wait' &
parent=$!
pids+=($parent)
expect 0 "" sluice attach --follow $parent
children_attached() {
	sluice --json status | jq -e "[.targets[].pid] as \$p | [$(pgrep -d, -P "$parent" -x sleep)] | length == 2 and all(. as \$c | \$p | index(\$c) != null)"
}
check "children are attached" soon children_attached
kill $(pgrep -P "$parent" -x sleep)

# The protocol itself.
ask() { printf '%s\n' "$1" | timeout 2 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read())
f = s.makefile("rb")
sys.stdout.buffer.write(f.readline())' "$sock" >"$tmp/answer.json"; }
if command -v python3 >/dev/null; then
	ask '{"verb":"frob"}'; json "$tmp/answer.json" '.ok == false and .error.exit == 2'
	ask '{"pid":1}'; json "$tmp/answer.json" '.error.message | test("missing")'
	ask '{nonsense'; json "$tmp/answer.json" '.error.errno == "EBADMSG"'
	ask '{"verb":"attach","pid":"1"}'; json "$tmp/answer.json" '.error.errno == "EBADMSG"'
	ask '{"verb":"attach","pid":-1}'; json "$tmp/answer.json" '.ok == false'
	ask '{"verb":"watch","interval_ms":1}'; json "$tmp/answer.json" '.ok == false'
	ask '{"verb":"stop"}'; json "$tmp/answer.json" '.error.errno == "EPERM"'
fi

kill -TERM $daemon
wait $daemon
check "SIGTERM ends it well" test $? = 0
check "the socket is gone" test ! -e "$sock"
check "what was changed is put back" test ! -e "$state/changed"

# Killed hard: the next start finds the socket and the change, and copes with both.
"${service[@]}" & daemon=$!
soon test -S "$sock"
kill -KILL $daemon
wait $daemon 2>/dev/null
check "a killed service leaves its change" test -e "$state/changed"
expect 8 "no service answers" sluice status
check "restore puts it back" sh -c "'$fake/sluice' restore --state-dir '$state' --sysroot '$root' | grep -q '1 kernel setting put back'"
check "and it is" test ! -e "$state/changed"
"${service[@]}" & daemon=$!
check "the next one takes the socket over" soon sluice status
kill -INT $daemon
wait $daemon
check "SIGINT ends it well" test $? = 0
exit $bad
