#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The pmu sampler in a guest. It has no PMU, so that is told, and `auto` takes another; and the whole
# way from the kernel's rings to the service's figures is taken with page faults for accesses.
# Usage: tests/vm/test_pmu.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/pmu.sh" <<'EOT'
. /root/test_inside.sh
sluice doctor >/tmp/doctor
check 'doctor tells that there is no PMU, and why' grep -q 'warning *PMU .*virtual machine' /tmp/doctor
expect 6 "sampler 'pmu' cannot be used" sluice run --sampler pmu -- touch /tmp/started
check 'a refused run did not start its command' test ! -e /tmp/started
start_service
samples_with() { sluice status --json | tr -d ' \n' | grep -qF "\"samplers\":[\"$1"; }
check 'auto takes hint faults' soon samples_with hintfault
stop_service

# A shell faults at pages of its own each time that it starts a program.
sh -c 'while :; do /bin/true; done' &
target=$!
start_service --sampler pmu-faults --policy skeleton
check 'page faults stand for accesses' soon samples_with pmu-faults
expect 0 '' sluice attach $target
check 'they arrive' soon is_positive samples
cost() { outcome target_ns; }
sleep 5
before=$(cost)
sleep 4
after=$(cost)
share=$(awk -v ns=$((after - before)) 'BEGIN { print ns / 4e9 }')
# Awake, it may cost 40 % of a CPU; it must never be more, and not nothing.
check "samples cost $share of a CPU" awk -v s="$share" 'BEGIN { exit !(s > 0 && s < 0.5) }'
kill -9 $target
wait $target 2>/dev/null
forgotten() { sluice status --json | tr -d ' \n' | grep -qF '"targets":[]'; }
check 'the service goes on without its target' soon forgotten
stop_service
check 'it had no error to tell of' no grep -qiE 'error|fail|assert' /tmp/service.log
unchanged 'after all of that'
[ ! -s /tmp/service.log ] || sed 's/^/        /' /tmp/service.log
verdict
EOT

in_guest pmu.sh --shape dram-slow --slow-factor 1 --timeout 200
