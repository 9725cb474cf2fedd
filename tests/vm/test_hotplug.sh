#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A node that goes and comes while the service manages a program on it: it is emptied first, the
# program loses nothing, the service goes on and uses the node again; what is given up or done by
# others leaves the service consistent.
# Usage: tests/vm/test_hotplug.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
pages_there() { # of the program, on node 1
	awk '{ for (i = 1; i <= NF; i++) if (sub(/^N1=/, "", $i)) n += $i } END { print n + 0 }' /proc/$program/numa_maps
}
some_there() { [ "$(pages_there)" -gt "${1:-0}" ]; }
status() { sluice status --json | tr -d '\n ' >/tmp/status; }
tier_count() { status; [ "$(grep -o '"index":' /tmp/status | wc -l)" = $1 ]; }
is_target() { status; grep -q "\"pid\":$program," /tmp/status; }
is_leaving() { status; grep -q '"leaving":{"node":1' /tmp/status; }
demoted() { status; sed -n 's/.*"demoted_bytes":\([0-9]*\).*/\1/p' /tmp/status; }
field() { sed -n "s/^ *\"$1\": *\"*\([^\",]*\).*/\1/p" "$2" | head -n 1; }
is_gone() { [ ! -e /sys/devices/system/node/node1 ]; }
all_online() { [ "$(cat /sys/devices/system/node/node1/memory[0-9]*/state | grep -c '^online$')" = 8 ]; }

balancing=$(cat /proc/sys/kernel/numa_balancing)
# churn moves all of the program's pages up and down all the time: the hardest moment to take a node.
start_service --policy /root/churn.so --rate 64M --log-level info
start_program() {
	checksum --size 24M --threads 2 --start-on 1 --seconds 0 --report /tmp/sum.jsonl &
	program=$!
	soon some_there 6000
	expect 0 '' sluice attach $program
}
end_program() {
	expect 0 '' sluice detach $program
	kill -TERM $program
	wait $program
	check "checksum ends with $?, 0 wanted: no page changed" test $? = 0
	cat /tmp/sum.jsonl
	check 'it says so: no difference' grep -q '"differences":0,' /tmp/sum.jsonl
}
start_program
sleep 2
check "the program has $(pages_there) pages on node 1 while it is churned" some_there

sluice tier offline --json mem0 >/tmp/json
check "offline under way of a managed program ends with $?, 0 wanted" test $? = 0
echo "        the service moved $(field moved_bytes /tmp/json) bytes off the node, left $(field left_bytes /tmp/json)"
check 'the service emptied it first' test "$(field moved_bytes /tmp/json)" -ge 4096
check 'nothing of the program was left for the kernel' test "$(field left_bytes /tmp/json)" = 0
check 'the node is gone' is_gone
check 'the program runs on' kill -0 $program
check 'the service sees one tier' soon tier_count 1
check 'and still has the program' is_target
check 'and says that it rests' sh -c "sluice status | grep -q 'only one memory tier'"
sleep 1
before=$(demoted)

expect 0 '' sluice tier online mem0
check 'the service sees two tiers again' soon tier_count 2
check 'and still has the program' is_target
used_again() { [ "$(demoted)" -gt $((before + (4 << 20))) ] && some_there; }
check 'and uses the node again' soon used_again
echo "        demoted $before bytes before, $(demoted) by now, $(pages_there) pages are on the node"

# Given up half way, again and again: the node stays, is used on, and no block is left offline.
for wait in 0.1 0.3 0.6; do
	sluice tier offline mem0 >/tmp/out 2>/tmp/err & tier=$!
	sleep $wait
	kill -TERM $tier
	wait $tier
	status=$?
	if is_gone; then
		check 'it was faster than we' test $status = 0
		sluice tier online mem0 >/dev/null
	else
		check "given up after $wait s it ends with $status, 1 wanted (143: before it had begun)" test $status = 1 -o $status = 143
	fi
	check 'every block is online' all_online
	check 'nothing is leaving any more' no is_leaving
	before=$(demoted)
	check 'the node is used on' soon used_again
done

# A program that the service has let go of: its pages were marked by hint faults, and the kernel alone
# moves them. Without the tiering bit meanwhile it would crash on their next fault.
expect 0 '' sluice detach $program
expect 0 '' sluice tier offline mem0
sleep 2
expect 0 '' sluice tier online mem0
check 'the service sees two tiers again' soon tier_count 2
expect 0 '' sluice attach $program
before=$(demoted)
check 'and uses the node again' soon used_again
end_program

# Somebody else takes the blocks and brings them back, and asks nobody.
off() { for b in /sys/devices/system/node/node1/memory[0-9]*; do echo offline >$b/state || return 1; done; }
blocks=$(ls -d /sys/devices/system/node/node1/memory[0-9]*)
check 'all blocks go offline by hand' off
check 'the service sees one tier' soon tier_count 1
for b in $blocks; do echo online_movable >/sys/devices/system/memory/${b##*/}/state; done
check 'the service sees two tiers again' soon tier_count 2
start_program
before=$(demoted)
check 'and uses the node again' soon used_again

# The kernel refuses: page tables lie there that cannot be moved. The service uses the node on.
expect 0 '' sluice tier offline mem0
expect 0 '' sluice tier online --kernel mem0
check 'the service sees the node again' soon tier_count 2
numactl --membind=1 hotset --size 256M --hot 16M --seconds 300 --report /tmp/h.jsonl &
hog=$!
soon grep -q access /tmp/h.jsonl
expect 10 'memory of the kernel itself' sluice tier offline mem0
check 'after the refusal every block is online' all_online
check 'nothing is leaving any more' no is_leaving
check 'the service has its two tiers' tier_count 2
before=$(demoted)
check 'and uses them' soon used_again

# Without a service: its marks are still there, so the bit is set for the time that it takes.
stop_service
check 'the note of marks is there' test -e /run/sluice/marked
check 'the bit is as it was' setting_is /proc/sys/kernel/numa_balancing $balancing
expect 10 'memory of the kernel itself' sluice tier offline mem0
check 'and after, too' setting_is /proc/sys/kernel/numa_balancing $balancing
kill $hog
wait $hog
sleep 2
kill -TERM $program
wait $program
check "checksum ends with $?, 0 wanted: no page changed" test $? = 0
check 'it says so: no difference' grep -q '"differences":0,' /tmp/sum.jsonl
check 'the service had no trouble' no grep -iE 'error|sanitizer|assert' /tmp/service.log
unchanged 'after all of it'
[ $bad = 0 ] || cat /tmp/service.log
verdict
EOT
in_guest inside.sh --shape dram-cxl --slow-factor 1 --timeout 450 --add "$build/policies-test/churn.so"
