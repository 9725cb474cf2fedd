#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Measuring in guests: a slow node comes out slower, by about what the shape says; every pair of two
# sockets gets its figures; they are kept and found again; what cannot be measured is unknown and
# said; nothing of the machine is changed. Limits are wide: the guest's own caches and translations
# are the emulator's, and what fast memory costs changes four times over by who else uses the real
# machine's caches. So slow nodes are far slower here than in other tests, and what they add is compared.
# Usage: tests/vm/test_measure.sh [--build DIR] [PART...]; parts: slow sockets limits
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"
[ $# -gt 0 ] || set -- slow sockets limits

grep '^cached_in_unit=' "$here/guest" >"$tmp/common.sh"
cat >>"$tmp/common.sh" <<'EOT'
. /root/test_inside.sh
# The median of a figure of a pair, out of the pretty-printed /tmp/m.json; empty when unknown.
figure() { # INITIATOR NODE NAME
	awk -v i="$1" -v n="$2" -v name="\"$3\":" '
		$1 == "\"initiator\":" { from = $2 + 0 }
		$1 == "\"node\":" { to = $2 + 0 }
		$1 == name { inside = $2 == "{" }
		inside && $1 == "\"median\":" {
			if (from == i && to == n) { print $2 + 0; exit }
			inside = 0
		}' /tmp/m.json
}
between() { awk -v x="$1" -v lo="$2" -v hi="$3" 'BEGIN { exit !(x != "" && x + 0 >= lo && x + 0 <= hi) }'; }
# By how many times fast memory's price B is more than A, in ns. That price is as it was when the guest
# booted, and its delays were reckoned: the real machine may have become twice as fast since.
added() { # A B
	awk -v a="$1" -v b="$2" -v c="$(cat /tmp/cost.0)" -v k="$cached_in_unit" \
		'BEGIN { if (a != "" && b != "" && c > 0) printf "%.2f", (b - a) / (k * c) }'
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b }'; }
complete() { # INITIATOR NODE: all four figures, or why not
	for name in read_latency_ns read_bw_mbps write_bw_mbps mixed_bw_mbps; do
		check "node $2 from node $1: $name is $(figure "$1" "$2" $name)" between "$(figure "$1" "$2" $name)" 1 1000000
	done
}
EOT

cat >"$tmp/slow.sh" <<'EOT'
. /root/common.sh
expect 0 '' sluice topology --measure --seconds 16 --memory 32M --json
cp /tmp/out /tmp/m.json
complete 0 0
complete 0 1
found=$(added "$(figure 0 0 read_latency_ns)" "$(figure 0 1 read_latency_ns)")
check "node 1 adds $found times the price of node 0, meant 19" between "$found" 11 30
found=$(ratio "$(figure 0 0 read_bw_mbps)" "$(figure 0 1 read_bw_mbps)")
check "and node 0 is read $found times as fast as node 1" between "$found" 1.3 20
kept=$(ls /var/lib/sluice/measured-*.txt)
check "they are kept in $kept" grep -q '^pair 0 1 read_latency_ns=' "$kept"
check 'and nothing but them is' test "$(ls /var/lib/sluice | wc -l)" = 1
# Firmware tells latencies here, so measurements are only compared with it; the file was understood.
sluice topology --json >/tmp/out
check 'topology finds no fault with the file' no grep -q 'damaged\|of another machine' /tmp/out
# One pair alone: the other's figures stay.
expect 0 '' sluice topology --measure --pair 0:0 --seconds 2 --memory 32M
check 'the other pair is kept still' grep -q '^pair 0 1 read_latency_ns=' "$kept"
# Ended early: what is complete is kept, and the exit status says so.
sluice topology --measure --seconds 60 --memory 32M >/tmp/out 2>/tmp/err &
pid=$!
sleep 3
kill -INT $pid
wait $pid
check "Ctrl-C gives $?, 130 wanted" test $? = 130
check 'and says what became of the pairs' grep -q 'ended early: . of 2 pairs' /tmp/err
# A user without rights measures too.
mkdir -p /tmp/home && chown nobody /tmp/home
check 'no right is needed' su nobody -s /bin/sh -c 'HOME=/tmp/home sluice topology --measure --pair 0:1 --seconds 2 --memory 32M'
check 'and the user keeps the figures' grep -q '^pair 0 1 ' /tmp/home/.local/state/sluice/measured-*.txt
unchanged 'after measuring'
verdict
EOT

cat >"$tmp/sockets.sh" <<'EOT'
. /root/common.sh
expect 0 '' sluice topology --measure --seconds 32 --memory 32M --json
cp /tmp/out /tmp/m.json
for from in 0 1; do for to in 0 1 2 3; do complete $from $to; done; done
for from in 0 1; do
	own=$(figure $from $from read_latency_ns) other=$((1 - from))
	near=$(figure $from $((from + 2)) read_latency_ns) far=$(figure $from $((other + 2)) read_latency_ns)
	found=$(added "$own" "$near")
	check "from node $from its slow node adds $found times its own memory's price, meant 19" between "$found" 11 30
	found=$(ratio "$far" "$near")
	check "and the other's slow node $found times that, meant 1.3" between "$found" 1.02 2
done
unchanged 'after measuring'
verdict
EOT

cat >"$tmp/limits.sh" <<'EOT'
. /root/common.sh
# What is free in node 1 above its watermarks; of 8 MiB a quarter would be measured.
room_kb() {
	echo $(($(awk '/MemFree/ { print $4 }' /sys/devices/system/node/node1/meminfo) -
		$(awk '$1 == "Node" { here = $2 == "1," } here && $1 == "high" { h += $2 } END { print h * 4 }' /proc/zoneinfo)))
}
expect 2 'node 7 has no memory' sluice topology --measure --pair 0:7
expect 2 'node 1 has no CPUs' sluice topology --measure --pair 1:0
expect 2 'too short' sluice topology --measure --seconds 0.3
check 'a refused measurement keeps nothing' test ! -e /var/lib/sluice

# A node that others have filled: a pool of huge pages takes all there is in whole huge pages, and
# kills nobody. The guest's own files lie in that node between its free pages, so it is compacted
# first, and again until it has come to rest.
pool=/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
for try in 1 2 3 4 5 6 7 8 9 10; do
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	echo 10000 >$pool
	[ "$(room_kb)" -ge 8000 ] || break
done
check "node 1 is full: $(room_kb) KiB are free above its watermarks (try $try)" test "$(room_kb)" -lt 8000
expect 1 'nothing could be measured' sluice topology --measure --pair 0:1 --seconds 2 --json
check 'a full node is unknown, and the note says why' grep -q '"note": "node 1 is too full' /tmp/out
check 'and it is not made up' grep -q '"read_latency_ns": null' /tmp/out
echo 0 >$pool

# Nodes and CPUs that a cpuset forbids, and a limit of memory.
group=/sys/fs/cgroup/test
mkdir $group
echo '+cpuset +memory' >/sys/fs/cgroup/cgroup.subtree_control
echo 0 >$group/cpuset.mems
echo 1 >$group/cpuset.cpus
within() { sh -c 'echo $$ >/sys/fs/cgroup/test/cgroup.procs; exec "$@"' sh "$@"; }
within sluice topology --measure --seconds 4 --memory 32M --json >/tmp/m.json 2>/tmp/err
check "in a cpuset it ends with $?, 0 wanted" test $? = 0
check 'the forbidden node is unknown, and the note says why' grep -q '"note": "memory of node 1 may not be used' /tmp/m.json
check 'the other one is measured' between "$(figure 0 0 read_latency_ns)" 1 1000000
check 'and the note says with how few CPUs' grep -q 'only 1 of the 2 CPUs of node 0 may be used' /tmp/m.json
echo 8M >$group/memory.max
expect 1 'nothing could be measured' within sluice topology --measure --pair 0:0 --seconds 2 --json
check 'too little memory for us is said' grep -q '"note": "the memory limit of our cgroup leaves' /tmp/out
rmdir $group
unchanged 'after limits'
verdict
EOT

part_options() { # PART
	options=(--shape dram-slow --slow-factor 20 --timeout 240 --add "$tmp/common.sh")
	[ "$1" != sockets ] || options[1]=two-socket-cxl
}
in_guests "$@"
