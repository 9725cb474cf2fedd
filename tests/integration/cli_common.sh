# SPDX-License-Identifier: Apache-2.0
#
# What the cli_*.sh tests share: a folder of their own, checks, and a made-up machine of two tiers.
# Usage: cli_NAME.sh REAL-PROGRAMS FAKE-PROGRAMS POLICIES; sourced, it sets real, fake, policies.
set -uo pipefail
real=$1 fake=$2 policies=$3
tmp=$(mktemp -d)
state=$tmp/state
root=$tmp/root
bad=0
pids=()
finish() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	rm -rf "$tmp"
}
trap finish EXIT

check() { # SENTENCE COMMAND...
	"${@:2}" >/dev/null 2>&1 || { echo "FAILED: $1"; bad=1; }
}
no() { ! "$@"; }
# Runs COMMAND; wants that exit status, and the text in what it says on stderr.
expect() { # STATUS TEXT COMMAND...
	local want=$1 text=$2 got
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got -eq "$want" ] || { echo "FAILED: $* exits with $got, not $want: $(cat "$tmp/err")"; bad=1; }
	[ -z "$text" ] || grep -qF -- "$text" "$tmp/err" || { echo "FAILED: $* does not say '$text': $(cat "$tmp/err")"; bad=1; }
}
# The file is JSON for which the filter is true.
json() { # FILE FILTER
	jq -e "$2" "$1" >/dev/null 2>&1 || { echo "FAILED: not '$2' in: $(head -c 600 "$1")"; bad=1; }
}
# Waits, at most five seconds, until COMMAND is true.
soon() { # COMMAND...
	for _ in $(seq 100); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

two_tiers() { # a machine with 512 MiB of DRAM and 1 GiB of something slower
	local node=$root/sys/devices/system/node i
	mkdir -p "$node/node0" "$node/node1" "$root/proc"
	for i in online possible has_memory has_normal_memory; do echo 0-1 >"$node/$i"; done
	echo 0 >"$node/has_cpu"
	for i in 0 1; do
		printf 'Node %d MemTotal: %d kB\nNode %d MemFree: 200000 kB\n' $i $((524288 * (i + 1))) $i >"$node/node$i/meminfo"
	done
	echo 0-1 >"$node/node0/cpulist"
	echo >"$node/node1/cpulist"
	echo 10 20 >"$node/node0/distance"
	echo 20 10 >"$node/node1/distance"
}
one_tier() {
	local node=$tmp/single/sys/devices/system/node
	mkdir -p "$node/node0" "$tmp/single/proc"
	for i in online possible has_memory has_normal_memory has_cpu; do echo 0 >"$node/$i"; done
	printf 'Node 0 MemTotal: 524288 kB\nNode 0 MemFree: 200000 kB\n' >"$node/node0/meminfo"
	echo 0-1 >"$node/node0/cpulist"
	echo 10 >"$node/node0/distance"
}
two_tiers
one_tier
