#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What `sluice doctor` says of the PMUs of other machines, and of this one; and that the sampler that
# needs one is refused where there is none.
. "$(dirname "$0")/cli_common.sh" "$@"
data=$(cd "$(dirname "$0")/../data/pmu" && pwd)

unpack() { # TREE: its files under $root, with two tiers of memory
	rm -rf "$root"
	two_tiers
	grep -v '^#' "$data/$1.tree" | while IFS= read -r line; do
		mkdir -p "$root/$(dirname "${line%% = *}")"
		printf '%b' "${line#* = }" >"$root/${line%% = *}"
	done
}
doctor() { # TREE
	unpack "$1"
	"$real/sluice" --json doctor --sysroot "$root" --state-dir "$state" \
		--policy-dir "$policies" >"$tmp/v.json"
}
row() { # CHECK VERDICT WORDS
	json "$tmp/v.json" ".checks | map(select(.check == \"$1\" and .verdict == \"$2\" and
		((.detail + (.advice // \"\")) | contains(\"$3\")))) | length == 1"
}

doctor intel-cascade-lake
row "PMU" ok "Intel, skylake"
row "PMU precise" ok "PEBS"
row "PMU events" ok "MEM_LOAD_RETIRED:L3_MISS, mem-stores"
row "PMU permission" ok "perf_event_paranoid is 2"
row "sampler pmu" warning "live machine"
doctor intel-sapphire-rapids
row "PMU permission" warning "CAP_PERFMON"
doctor intel-future
row "PMU events" ok "mem-loads"
row "PMU data source" ok "latency"
doctor intel-guest
row "PMU precise" warning "pmu=on"
doctor guest-none
row "PMU" warning "virtual machine"
doctor amd-zen3
row "PMU L3-miss filter" warning "Zen 4"
doctor amd-zen4
row "PMU L3-miss filter" ok "missed the L3"
doctor arm-neoverse-n1
row "PMU" ok "Statistical Profiling"
row "PMU data source" ok "Neoverse"
doctor arm-other
row "PMU data source" warning "not known"
doctor arm-no-spe
row "PMU" warning "arm_spe_pmu"
check "doctor's table has the advice" sh -c '"$1" doctor --sysroot "$2" --state-dir "$3" --policy-dir "$4" | grep -q -e "-> load the driver"' sh "$real/sluice" "$root" "$state" "$policies"

unpack guest-none
expect 6 "sampler 'pmu'" "$real/sluice" run --sysroot "$root" --state-dir "$state" --policy-dir "$policies" --sampler pmu -- true
expect 2 "known: auto, pmu, hintfault" "$real/sluice" run --sysroot "$root" --state-dir "$state" --policy-dir "$policies" --sampler nope -- true
check "what is for tests only is not offered" no grep -q faults "$tmp/err"
exit $bad
