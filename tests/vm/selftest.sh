#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows that guests are what they say, and that Sluice sees just that: every shape boots in time, with
# the nodes, sizes, latencies and speeds of its file, and `sluice topology` tells the file's tiers,
# kinds, order of nodes, latencies and bandwidths, to the last digit; output and exit status pass
# through; a stuck command is ended.
# Usage: tests/vm/selftest.sh [--build DIR] [SHAPE...]; without shapes: all of them, and the rest.
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
build=$here/../../build
case ${1:-} in --help | -h) sed -n '4,8s/^# *//p' "$0"; exit 0 ;; esac
if [ "${1:-}" = --build ]; then build=$2; shift 2; fi
boot_limit_s=30
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

failures=0 checks=0
check() { # SENTENCE CONDITION...: one line for each check
	local sentence=$1
	shift
	checks=$((checks + 1))
	if "$@"; then
		echo "ok      $sentence"
	else
		echo "NOT OK  $sentence"
		failures=$((failures + 1))
	fi
}
same() { [ "$1" = "$2" ]; }
between() { awk -v x="$1" -v lo="$2" -v hi="$3" 'BEGIN { exit !(x != "" && x + 0 >= lo && x + 0 <= hi) }'; }
guest() { "$here/guest" --build "$build" "$@"; }
shape_value() { awk -v k="$2" '$1 == k { print $2 }' "$here/shapes/$1"; }

# What the guest tells of itself, one fact a line; run in the guest by its shell.
cat >"$tmp/facts.sh" <<'EOF'
cd /sys/devices/system/node
for d in node[0-9]*; do
	n=${d#node}
	echo "size $n $(awk '/MemTotal/ { print int($4 / 1024) }' $d/meminfo)"
	echo "cpus $n $(cat $d/cpulist)"
	echo "blocks $n $(ls -d $d/memory[0-9]* | wc -l) $(cat /sys/devices/system/memory/block_size_bytes)"
	for what in present managed; do # pages of all zones
		echo "$what $n $(awk -v n="$n," -v w=$what '$1 == "Node" { here = $2 == n } here && $1 == w { p += $2 } END { print p + 0 }' /proc/zoneinfo)"
	done
	echo "movable $n $(awk -v n="$n," '$1 == "Node" { here = ($2 == n && $4 == "Movable") } here && $1 == "managed" { print $2 }' /proc/zoneinfo)"
	for what in latency bandwidth; do
		[ ! -e $d/access0/initiators/read_$what ] || echo "$what $n $(cat $d/access0/initiators/read_$what)"
	done
	echo "cost $n $(numactl --cpunodebind=0 /root/latency $n 8 0.5)"
done
# A slow node while it is not, and again, a few times.
for try in 1 2 3; do
	[ "$1" = dram-slow ] || continue
	echo off >/run/slow
	sleep 0.3
	off=$(/root/latency 1 8 0.3)
	echo on >/run/slow
	sleep 0.3
	echo "turns $off $(/root/latency 1 8 0.3)"
done
echo "online $(cat online)"
echo "topology $(sluice topology --json | tr -d '\n')"
for d in /sys/bus/cxl/devices/region*; do [ ! -e $d ] || echo "cxl-region ${d##*/}"; done
for d in /sys/bus/nd/devices/namespace*; do [ ! -e $d ] || echo "nvdimm ${d##*/}"; done
EOF

# Each latency of a shape as a number, "FROM TO NS".
shape_latencies() { # SHAPE
	awk '$1 == "slow-factor" { f = $2 }
		$1 == "latency" { if ($2 == $3) own[$2] = $4; l[++n] = $2 " " $3 " " $4 }
		END {
			for (i = 1; i <= n; i++) {
				split(l[i], p, " "); x = p[3]; m = 1
				if (x ~ /^slow/) { if (sub(/^slow\*/, "", x)) m = x; x = int(own[p[1]] * f * m + 0.5) }
				print p[1], p[2], x
			}
		}' "$here/shapes/$1"
}
# What Sluice makes of the guest, against the shape's own figures.
compare_topology() { # SHAPE FACTS
	local shape=$1 facts=$2 node size kind from to ns found expected near mbps
	local json=$tmp/topology.json
	sed -n 's/^topology //p' "$facts" >"$json"
	ask() { jq -r "$1" "$json" 2>/dev/null; }
	found=$(ask '[.tiers[] | select(.kind != "swap") | "\(.index) \(.kind) \(.nodes | join(","))"] | join("; ")')
	expected=$(awk '$1 == "tier" { printf "%s%s %s %s", (n++ ? "; " : ""), $2, $3, $4 }' "$here/shapes/$shape")
	check "$shape: Sluice's tiers are '$found'" same "$found" "$expected"
	while read -r node kind; do
		found=$(ask ".nodes[] | select(.id == $node) | .kind")
		check "$shape: Sluice calls node $node $found" same "$found" "$kind"
	done < <(awk '$1 == "tier" { n = split($4, list, ","); for (i = 1; i <= n; i++) print list[i], $3 }' "$here/shapes/$shape")

	# Sizes: the kernel has all blocks. What a program can get of a node that is there from the start
	# is less, by what firmware keeps (the hole below 1 MiB, ACPI's tables: `present` lacks that) and
	# what the kernel takes before it frees memory (itself, the first file system, 64 bytes for each
	# page; those of nodes that come later lie in the first): `managed` lacks that, and is MemTotal.
	while read -r node size; do
		found=$(awk -v n="$node" '$1 == "blocks" && $2 == n { print $3, $4 }' "$facts")
		found=$((${found% *} * 0x${found#* } >> 20))
		check "$shape: the kernel's blocks of node $node are $found MiB" same "$found" "$size"
		found=$(awk -v n="$node" '$1 == "present" && $2 == n { print int($3 / 256) }' "$facts")
		check "$shape: of these $found MiB are there, firmware keeps 1 at most" between "$found" $((size - 1)) "$size"
		expected=$(awk -v n="$node" '$1 == "managed" && $2 == n { printf "%.0f", $3 * 4096 }' "$facts")
		found=$(ask ".nodes[] | select(.id == $node) | .total_bytes")
		check "$shape: Sluice says $found bytes, $((size - found / 1048576)) MiB less for the kernel's own" same "$found" "$expected"
	done < <(awk '$1 == "node" {
			for (i = 3; i <= NF; i++) if (sub(/^memory=/, "", $i)) print $2, $i ~ /G$/ ? $i * 1024 : $i + 0
		}' "$here/shapes/$shape")

	# Near to far, from each node with CPUs.
	for from in $(awk '$1 == "node" && /cpus=/ { print $2 }' "$here/shapes/$shape"); do
		expected=$(shape_latencies "$shape" | awk -v f="$from" '$1 == f { print $3, $2 }' | sort -n | awk '{ print $2 }' | paste -sd' ')
		found=$(ask "[.initiators[] | select(.node == $from) | .near_to_far[].node] | join(\" \")")
		check "$shape: Sluice's order from node $from is $found" same "$found" "${expected:-$from}"
		# Each is farther than the one before it: no two are said to be equal.
		found=$(ask "[.initiators[] | select(.node == $from) | .near_to_far[].rank] | unique | length")
		check "$shape: in $found ranks" same "$found" "$(wc -w <<<"${expected:-$from}")"
	done

	# What firmware tells: of the nearest CPUs, exactly. A CXL device has none to tell it: unknown.
	while read -r node near ns; do
		expected=$ns mbps=$(awk -v f="$near" -v t="$node" '$1 == "bandwidth" && $2 == f && $3 == t { print $4 }' "$here/shapes/$shape")
		if grep -q "^node  *$node .*kind=cxl" "$here/shapes/$shape"; then expected=null mbps=null; fi
		found=$(ask ".nodes[] | select(.id == $node) | .read_latency_ns")
		check "$shape: Sluice says a latency of $found ns for node $node" same "$found" "$expected"
		found=$(ask ".nodes[] | select(.id == $node) | .read_bw_mbps")
		check "$shape: Sluice says a bandwidth of $found MB/s for node $node" same "$found" "$mbps"
		found=$(ask ".nodes[] | select(.id == $node) | .nearest")
		check "$shape: Sluice says that node $found is nearest to node $node" same "$found" "$near"
	done < <(shape_latencies "$shape" | sort -k2,2n -k3,3n | awk '!seen[$2]++ { print $2, $1, $3 }')
}

# How many times slower to CPU 0 each other node is to be than node 0, "NODE RATIO"; what it is; whether
# that is near enough.
shape_ratios() { # SHAPE
	awk -v f="$(shape_value "$1" slow-factor)" '$1 == "latency" && $2 == 0 {
			if ($3 == 0) { own = $4; next }
			x = $4; m = 1
			if (x ~ /^slow/) { if (sub(/^slow\*/, "", x)) m = x; print $3, f * m } else print $3, x / own
		}' "$here/shapes/$1"
}
cached_in_unit=$(sed -n 's/^cached_in_unit=//p' "$here/guest")
# FAST SLOW, in ns of a load that the real machine's caches hold: see `guest`. Delays are nanoseconds,
# reckoned from what such a load took while the guest booted: that is the unit here too, as the real
# machine may have become twice as fast since.
times_slower() {
	awk -v f="$1" -v s="$2" -v u="$unit" -v k="$cached_in_unit" 'BEGIN { if (u > 0 && f > 0 && s > 0) printf "%.2f", 1 + (s - f) / (k * u) }'
}
cost() { awk -v n="$1" '$1 == "cost" && $2 == n { print $3 }' "$2"; } # NODE FACTS
ratio_fits() { # FOUND MEANT
	between "$1" "$(awk -v r="$2" 'BEGIN { print r * 0.7 }')" "$(awk -v r="$2" 'BEGIN { print r * 1.4 }')"
}

test_shape() { # SHAPE
	local shape=$1 facts boot unit factor node size found ratio kind near expected lines off on status
	local reader=$build/vm/latency
	if [ ! -e "$reader" ]; then
		reader=$tmp/latency
		[ -e "$reader" ] || cc -std=c11 -O2 -D_GNU_SOURCE -o "$reader" "$here/latency.c" || return
	fi
	facts=$tmp/facts
	guest --shape "$shape" --verbose --timeout 120 --truth "$tmp/truth" --add "$reader:/root/latency" \
		--add "$tmp/facts.sh" -- sh /root/facts.sh "$shape" >"$facts" 2>"$tmp/log"
	status=$?
	check "$shape: boots, and the command ends with 0" same $status 0 || sed 's/^/        /' "$tmp/log"
	boot=$(sed -n 's/.*booted in \([0-9.]*\) s.*/\1/p' "$tmp/log")
	check "$shape: boot to command in ${boot:-?} s, at most $boot_limit_s" between "$boot" 0.1 $boot_limit_s
	unit=$(sed -n 's/.*a cached random load from node 0 takes \([0-9.]*\) ns.*/\1/p' "$tmp/log")
	factor=$(shape_value "$shape" slow-factor)
	while read -r node size kind; do
		found=$(awk -v n="$node" '$1 == "size" && $2 == n { print $3 }' "$facts")
		if [ "$kind" = ram ]; then # the firmware and the kernel keep some of it
			check "$shape: node $node has ${found:-no} MiB of $size" between "$found" $((size * 85 / 100)) "$size"
		else
			check "$shape: node $node has ${found:-no} MiB of $size" same "$found" "$size"
			found=$(awk -v n="$node" '$1 == "movable" && $2 == n { print $3 }' "$facts")
			check "$shape: node $node is movable memory" same "$found" $((size * 256))
		fi
		found=$(awk -v n="$node" '$1 == "cpus" && $2 == n { print $3 }' "$facts")
		expected=$(awk -v n="$node" '$1 == "node" && $2 == n { for (i = 3; i <= NF; i++) if (sub(/^cpus=/, "", $i)) print $i }' \
			"$here/shapes/$shape")
		check "$shape: node $node has CPUs '$found'" same "$found" "$expected"
	done < <(awk '$1 == "node" {
			kind = "ram"
			for (i = 3; i <= NF; i++) {
				if (sub(/^memory=/, "", $i)) size = $i ~ /G$/ ? $i * 1024 : $i + 0
				if (sub(/^kind=/, "", $i)) kind = $i
			}
			print $2, size, kind
		}' "$here/shapes/$shape")

	compare_topology "$shape" "$facts"

	# Latency: of the nearest initiator, and what a program really meets.
	while read -r node near; do
		if ! grep -q "^node  *$node .*kind=cxl" "$here/shapes/$shape"; then
			found=$(awk -v n="$node" '$1 == "latency" && $2 == n { print $3 }' "$facts")
			check "$shape: the HMAT gives node $node ${found:-no} ns of $near" same "$found" "$near"
		fi
	done < <(awk -v f="$factor" '$1 == "latency" {
			if ($2 == $3) own[$2] = $4
			l[$2, $3] = $4; from[$2]; to[$3]
		} END {
			for (t in to) {
				best = 0
				for (i in from) {
					x = l[i, t]; m = 1
					if (x ~ /^slow/) { if (sub(/^slow\*/, "", x)) m = x; x = own[i] * f * m }
					if (!best || x < best) best = x
				}
				printf "%d %d\n", t, best + 0.5
			}
		}' "$here/shapes/$shape")
	if [ -n "$unit" ]; then
		found=$(cost 0 "$facts")
		check "$shape: a cached load takes ${found:-?} ns, $unit as it booted" \
			between "$found" "$(awk -v u="$unit" 'BEGIN { print u / 4 }')" "$(awk -v u="$unit" 'BEGIN { print u * 4 }')"
	fi
	while read -r node ratio; do
		found=$(times_slower "$(cost 0 "$facts")" "$(cost "$node" "$facts")")
		check "$shape: node $node is ${found:-?} times slower to CPU 0 than node 0, meant $ratio" ratio_fits "$found" "$ratio"
	done < <(shape_ratios "$shape")
	case $shape in
	dram-slow)
		check "$shape: node 1 is made fast and slow again three times" same "$(grep -c '^turns' "$facts")" 3
		while read -r _ off on; do
			found=$(times_slower "$off" "$on")
			check "$shape: node 1 is made fast, $off ns, and by /run/slow $found times slower again" ratio_fits "$found" "$factor"
		done < <(grep '^turns' "$facts")
		;;
	dram-cxl | two-socket-expanders) check "$shape: there is a CXL region" grep -q '^cxl-region' "$facts" ;;
	dram-pmem) check "$shape: there is an NVDIMM namespace" grep -q '^nvdimm' "$facts" ;;
	esac

	lines=$(wc -l <"$tmp/truth")
	check "$shape: the truth file has $lines lines" between "$lines" 1 200
	found=$(sed -n 's/.*"range":{\(.*\)}}/\1/p' "$tmp/truth" | tr ',' '\n' |
		awk -F'[":]+' '{ if ($3 > 0) seen[$2] = 1 } END { for (n in seen) k++; print k + 0 }')
	check "$shape: the truth saw the reader on $found nodes" same "$found" "$(grep -c '^node ' "$here/shapes/$shape")"
	if python3 -c '' 2>/dev/null; then
		check "$shape: the truth file is JSON lines" python3 -c \
			'import json,sys; [json.loads(l)["range"]["node0"] for l in open(sys.argv[1])]' "$tmp/truth"
	fi
}

test_passing() {
	local status expected
	guest --shape single -- sh -c 'echo to stderr >&2; awk "BEGIN { for (i = 0; i < 3000; i++) print i, i * i }";
		printf "\000\001\377\r\n\033 end"; sleep 60 & exit 7' >"$tmp/out" 2>"$tmp/err"
	status=$?
	check "the exit status passes through (7, is $status), though the command left a program running" same $status 7
	expected=$({ awk 'BEGIN { for (i = 0; i < 3000; i++) print i, i * i }'; printf '\000\001\377\r\n\033 end'; } | md5sum)
	check "standard output passes unchanged" same "$(md5sum <"$tmp/out")" "$expected"
	check "standard error passes apart from it" grep -qx 'to stderr' "$tmp/err"

	guest --shape single -- sh -c 'kill -9 $$' >/dev/null 2>&1
	status=$?
	check "a command that was killed gives 137, is $status" same $status 137

	guest --shape single --timeout 3 --add "$here/README.md:/etc/added" -- sh -c 'cat /etc/added; sleep 100' \
		>"$tmp/out" 2>"$tmp/err"
	status=$?
	check "a command over its --timeout gives 124, is $status" same $status 124
	check "what it printed before is there, and --add put the file in" cmp -s "$tmp/out" "$here/README.md"
	console=$(sed -n 's/.*console: //p' "$tmp/err")
	check "the console is named and kept" grep -qa "Linux version" "$console"
	[ -z "$console" ] || rm -f "$console"

	guest --shape single -- sh -c 'echo c >/proc/sysrq-trigger' >"$tmp/out" 2>"$tmp/err"
	status=$?
	check "a guest whose kernel panics gives 125, is $status" same $status 125
	console=$(sed -n 's/.*console: //p' "$tmp/err")
	check "its console tells of the panic" grep -qa 'Kernel panic' "$console"
	[ -z "$console" ] || rm -f "$console"

	guest --shape single -- sh -c 'echo up; sleep 100' >"$tmp/out" 2>/dev/null &
	local pid=$!
	for _ in $(seq 300); do grep -q up "$tmp/out" && break; sleep 0.1; done
	kill -TERM $pid
	wait $pid
	status=$?
	check "SIGTERM ends it with 143, is $status" same $status 143
	check "and its QEMU with it" test -z "$(pgrep -P $pid)"

	guest --shape nosuch -- true >/dev/null 2>"$tmp/err"
	check "an unknown shape gives 125" same $? 125
	check "and the shapes there are" grep -q dram-slow "$tmp/err"
	guest --frobnicate -- true >/dev/null 2>&1
	check "an unknown argument gives 125" same $? 125
	guest --shape single >/dev/null 2>&1
	check "no command gives 125" same $? 125
}

if [ $# -gt 0 ]; then
	for shape; do test_shape "$shape"; done
else
	for file in "$here"/shapes/*; do test_shape "${file##*/}"; done
	test_passing
fi
echo "$((checks - failures)) of $checks checks passed"
[ $failures = 0 ]
