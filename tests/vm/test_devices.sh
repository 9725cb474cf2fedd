#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Memory devices in guests: a CXL device and an NVDIMM go offline and come online again by `sluice
# tier`, as the same kind of memory and as large; what is refused leaves all as it was.
# Usage: tests/vm/test_devices.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
device=$1 kind=$2 bytes=$((1024 << 20))
field() { sed -n "s/^ *\"$1\": *\"*\([^\",]*\).*/\1/p" /tmp/json | head -n 1; }
node_kind() { # KIND: what the topology says of node 1, with the right size
	sluice topology --json >/tmp/topology && tr -d '\n ' </tmp/topology | grep -q "\"id\":1,\"kind\":\"$1\""
}
is_online() { # all 8 blocks, movable
	[ "$(cat /sys/devices/system/node/node1/memory[0-9]*/state | grep -c '^online$')" = 8 ] &&
		[ "$(cat /sys/devices/system/node/node1/memory[0-9]*/valid_zones | grep -c "^$1\$")" = 8 ]
}
is_gone() { [ ! -e /sys/devices/system/node/node1 ]; }
policy=$(cat /sys/devices/system/memory/auto_online_blocks)
state() {
	for f in mode dpa_size region commit target0; do
		for f in /sys/bus/cxl/devices/*/$f; do [ ! -e $f ] || echo "$f $(cat $f)"; done
	done
	for f in /sys/bus/nd/devices/*/mode; do [ ! -e $f ] || echo "$f $(cat $f)"; done
	for f in /sys/bus/dax/devices/*/driver; do [ ! -e $f ] || echo "$f $(readlink $f)"; done
}

check "node 1 came up as $kind" node_kind $kind
check 'all of it is movable' is_online Movable
state >/tmp/before

expect 0 '' sluice tier offline $device
check 'the node is gone' is_gone
check 'the list says so' sh -c "sluice tier list | grep -q '^$device .* offline'"
expect 0 '' sluice tier offline $device
check 'offline twice is said, not failed' grep -q "$device is offline" /tmp/out

if [ $kind = pmem ]; then
	expect 11 'everything that is stored in it is lost' sluice tier online $device
	check 'unasked, nothing happened' is_gone
fi
expect 0 '' sluice tier online --dry-run $device
check 'a dry run changes nothing' is_gone
sluice tier online --yes --json $device >/tmp/json
check "online ends with $?, 0 wanted" test $? = 0
check "node 1 has $(field online_bytes) bytes of $(field kind), movable $(field movable)" \
	test "$(field node) $(field online_bytes) $(field kind) $(field movable)" = "1 $bytes $kind true"
check 'the topology agrees' node_kind $kind
check 'all of it is movable again' is_online Movable
state >/tmp/after
check 'every part of the device is as it was' cmp -s /tmp/before /tmp/after || diff /tmp/before /tmp/after
expect 0 '' sluice tier online $device
check 'online twice is no work' sh -c "! grep -q 1/ /tmp/out"

expect 0 '' sluice tier offline $device

# The client dies between two steps: what was done is undone.
(sluice tier online --yes $device & pid=$!; sleep 0.02; kill -9 $pid; wait $pid) 2>/dev/null
no_tier() { ! pidof sluiced >/dev/null; }
soon no_tier
check 'killed half way, it is either online or as before' sh -c 'sluice tier list | grep -Eq "^'$device' .* (online|offline) "'
expect 0 '' sluice tier online --yes $device
check 'and it comes online as ever' is_online Movable
expect 0 '' sluice tier offline $device
for wait in 0.03 0.06 0.1; do
	(sluice tier online --yes $device >/tmp/killed 2>&1 & tier=$!; sleep $wait; kill -9 $(pidof sluiced)
	wait $tier; echo $? >/tmp/status) 2>/dev/null
	status=$(cat /tmp/status) begun=$(grep -c '^ *[0-9]*/[0-9]* ' /tmp/killed)
	# 12 as soon as a step was begun; before that the service could only not be reached.
	if [ $begun -gt 0 ]; then
		check "its sluiced was killed after $begun steps: status $status, 12 wanted" test $status = 12 -o $status = 0
		[ $status = 0 ] || check 'and it says what is to be done' grep -q 'in the midst of this: .* is not undone; the same command again' /tmp/killed
	else
		check "its sluiced was killed at once: status $status, 8 or 12 wanted" test $status = 8 -o $status = 12
	fi
	expect 0 '' sluice tier online --yes $device
	check "its sluiced was killed after $wait s ($(tail -n 1 /tmp/killed)), and it is online all the same" is_online Movable
	expect 0 '' sluice tier offline $device
done
expect 0 '' sluice tier online --yes $device
check 'the kernel'"'"'s policy for new memory was left alone' setting_is /sys/devices/system/memory/auto_online_blocks $policy
for other in mem9 dax9.9 namespace9.9; do
	expect 10 'this machine has no' sluice tier online $other
done
expect 2 'is not the name of a memory device' sluice tier online node1

# Given to the kernel too: page tables of a program are not to be moved.
expect 0 '' sluice tier offline $device
expect 0 '' sluice tier online --yes --kernel $device
check 'it is the kernel'"'"'s' is_online Normal
numactl --membind=1 hotset --size 256M --hot 16M --seconds 300 --report /tmp/h.jsonl &
hog=$!
soon grep -q access /tmp/h.jsonl
expect 10 'memory of the kernel itself' sluice tier offline $device
check 'what was refused left every block online' is_online Normal
check 'the program runs on' kill -0 $hog
kill $hog
wait $hog

unchanged 'after all of it'
verdict
EOT
failed=0
for run in 'dram-cxl mem0 cxl' 'dram-pmem namespace0.0 pmem'; do
	read -r shape device kind <<<"$run"
	echo "$shape:"
	in_guest inside.sh --shape "$shape" --slow-factor 1 --timeout 300 -- "$device" "$kind" || failed=1
done
exit $failed
