#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Two sockets in a guest, each with fast and slow memory of its own: the topology is what the shape
# says, and hot pages come to the fast node beside the CPUs that their program runs on, also when
# they lay on the other socket's slow node.
# Usage: tests/vm/test_two_sockets.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
sluice topology --json >/tmp/t.json
check "sluice topology ends with $?, 0 wanted" test $? = 0
echo "TOPOLOGY $(tr -d '\n' </tmp/t.json)"

# Pages of the arena on a node, from numa_maps.
pages() { # NODE
	sed -n "s/^1[0-9a-f]\{11\} .* N$1=\([0-9]*\).*/\1/p" "/proc/$(pidof hotset)/numa_maps" |
		awk '{ n += $1 } END { print n + 0 }'
}
# The kernel's own balancing, which moves pages between sockets, is off: Sluice moves here.
echo 0 >/proc/sys/kernel/numa_balancing
machine >/tmp/machine
try() { # CPU NEAR FAR SLOW: run on a CPU of node NEAR with memory on the other socket's slow node
	taskset "$(printf '%x' $((1 << $1)))" sluice run -- hotset --size 200M --hot 64M --seconds 24 \
		--start-on "$4" --report /tmp/h.jsonl 2>/tmp/err &
	sleep 22
	near=$(pages "$2") far=$(pages "$3") slow=$(pages "$4")
	wait
	echo "on CPU $1, from node $4: $near pages on node $2, $far on node $3, $slow on node $4"
	check "CPU $1: most of the hot 16384 pages came to its own node $2: $near" test "$near" -ge 11000
	check "CPU $1: next to none went to node $3 of the other socket: $far" test "$far" -le 500
}
try 0 0 1 3
try 1 1 0 2
unchanged 'after the runs'
verdict
EOT
in_guest inside.sh --shape two-socket-cxl --timeout 150 >"$tmp/out"
status=$?
grep -v '^TOPOLOGY' "$tmp/out"

wants() { # SENTENCE JQ-FILTER
	if sed -n 's/^TOPOLOGY //p' "$tmp/out" | jq -e "$2" >/dev/null; then
		echo "ok      $1"
	else
		echo "NOT OK  $1"
		status=1
	fi
}
wants 'two tiers, of two nodes each' '[.tiers[] | select(.kind != "swap") | .nodes] == [[0, 1], [2, 3]]'
wants 'each socket has its own order, its own slow node before the other socket'"'"'s' \
	'[.initiators[] | [.node, [.near_to_far[].node]]] == [[0, [0, 1, 2, 3]], [1, [1, 0, 3, 2]]]'
wants 'kinds: DRAM, and memory that nothing tells more of' '[.nodes[].kind] == ["dram", "dram", "remote", "remote"]'
wants 'latencies are the shape'"'"'s, to the nanosecond' '[.nodes[].read_latency_ns] == [70, 70, 210, 210]'
wants 'bandwidths are the shape'"'"'s' '[.nodes[].read_bw_mbps] == [4000, 4000, 1300, 1300]'
# Sizes need the kernel's own figures beside them: selftest.sh compares them, of every shape.
exit $status
