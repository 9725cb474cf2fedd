#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Trackers on a real kernel, in a guest: each finds a program's hot pages, or says why it cannot, alone
# and with others; tracking costs what was set; and whatever ends it, every kernel setting that any
# tracker touches is as it was.
# Usage: tests/vm/test_trackers.sh [--build DIR] [PART...]; parts: writes together settings price
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"
[ $# -gt 0 ] || set -- writes together settings price

cat >"$tmp/price.sh" <<'EOT2'
# What is set is what it costs: within a fifth on a quiet machine, which is the promise; the guest's host
# may be a busy one, so the test allows half. Our thread, the kernel's, the program's time, summed up
# from counters over half a minute.
. /root/test_inside.sh
hotset --size 200M --hot 60M --seconds 200 --quiet >/dev/null 2>&1 &
target=$!
sleep 3
total() { # ns that tracking cost so far
	sluice status --json | tr -d '\n ' | sed 's/.*"cpu":{[^}]*"kernel_ns":\([0-9]*\),"target_ns":\([0-9]*\).*"tracking":{[^}]*"own_ns":\([0-9]*\).*/\1 \2 \3/'
}
for percent in ${PRICES:-8 20}; do
	start_service --policy skeleton --tracking-cpu $percent%
	expect 0 '' sluice attach $target
	sleep 12
	before=$(total) from=$(cut -d' ' -f1 /proc/uptime)
	sleep 20
	after=$(total) to=$(cut -d' ' -f1 /proc/uptime)
	sluice status | sed -n '1,3s/^/        /p' | tee /tmp/told
	cost=$(echo "$before $after $from $to" | awk '{ s = ($8 - $7) * 1e7
		printf "%.2f (kernel %.2f, program %.2f, own %.2f)", ($4 + $5 + $6 - $1 - $2 - $3) / s, ($4 - $1) / s, ($5 - $2) / s, ($6 - $3) / s }')
	check "$percent % is set, and tracking costs $cost %" awk -v c="${cost%% *}" -v p="$percent" 'BEGIN { exit !(c >= p * 0.5 && c <= p * 1.5) }'
	check 'status tells it' grep -q "($percent % is set)" /tmp/told
	stop_service
	unchanged "a price of $percent %"
done
verdict
EOT2

cat >"$tmp/writes.sh" <<'EOT2'
# Trackers of writes bring the pages that a program writes most to fast memory.
. /root/test_inside.sh
echo y >/sys/kernel/mm/lru_gen/enabled 2>/dev/null
machine >/tmp/machine
share() { grep '"phase":"access"' /tmp/h.jsonl | sed -n 's/.*"hot_fast_share":\([0-9.]*\).*/\1/p' | "$1" -n 1; }
for sampler in softdirty wp; do
	expect 0 '' sluice run --sampler $sampler --tracking-cpu 40% --quiet -- hotset --size 400M --hot 40M --write 100 --start-on 1 --seconds 24 --report /tmp/h.jsonl
	check "$sampler: at first the hot set is in slow memory: $(share head)" awk -v x="$(share head)" 'BEGIN { exit !(x != "" && x < 0.2) }'
	check "$sampler: at the end it is in fast memory: $(share tail)" awk -v x="$(share tail)" 'BEGIN { exit !(x > 0.7) }'
	unchanged "$sampler"
done
verdict
EOT2

cat >"$tmp/together.sh" <<'EOT2'
# Several at once, and those that do not go together.
. /root/test_inside.sh
refused() { # SAMPLERS TEXT
	expect 2 "$2" sluice run --sampler "$1" -- touch /tmp/started
}
refused damon+damon-paddr 'both clear the accessed bits'
refused damon+smaps "'damon' and 'smaps' cannot watch together: both clear the accessed bits"
refused hintfault+softdirty 'both mark pages one by one'
refused mglru 'tells no heat'
refused hintfault+nope "there is no sampler 'nope'"
check 'no refused run started its command' test ! -e /tmp/started
sluice doctor >/tmp/out
for name in hintfault damon damon-paddr idle etmem wp softdirty mglru smaps; do
	check "doctor has a line on $name" grep -q "sampler $name " /tmp/out
done
check 'and says why idle cannot be used here' grep -q 'CONFIG_IDLE_PAGE_TRACKING' /tmp/out
echo y >/sys/kernel/mm/lru_gen/enabled
machine >/tmp/machine
hotset --size 60M --hot 20M --write 50 --seconds 100 --quiet >/dev/null 2>&1 &
target=$!
sleep 2
for set in hintfault+damon hintfault+damon-paddr softdirty+damon hintfault+mglru; do
	start_service --sampler $set --policy skeleton
	expect 0 '' sluice attach $target
	sampled() { is_positive samples; }
	check "$set: samples come" soon sampled
	sluice status >/tmp/out
	check "$set: status names them" grep -q "samplers $(echo $set | sed 's/+/, /')" /tmp/out
	if [ ${set#*+} = mglru ]; then
		sets() { sluice status | grep -q '^CGROUP'; }
		check 'working sets are told' soon sets
	fi
	stop_service
	unchanged "$set"
done
# Only programs that sluice run started have what wp needs.
start_service --sampler wp --policy skeleton
expect 6 "not started by 'sluice run --sampler wp'" sluice attach $target
stop_service
kill $target
verdict
EOT2

cat >"$tmp/settings.sh" <<'EOT2'
# Settings that any tracker touches, before and after: an end, a kill and restore, a service again.
. /root/test_inside.sh
echo y >/sys/kernel/mm/lru_gen/enabled
machine >/tmp/machine
hotset --size 60M --hot 20M --write 50 --start-on 1 --seconds 100 --quiet >/dev/null 2>&1 &
target=$!
sleep 1
for set in auto hintfault+mglru softdirty+damon damon-paddr smaps; do
	start_service --sampler $set
	expect 0 '' sluice attach $target
	sleep 2
	kill -9 $service
	wait $service 2>/dev/null
	rm -f /run/sluice/sluiced.sock
	case $set in auto | *damon* | hintfault*) check "$set: killed, it leaves settings changed" no is_as_before ;; esac
	expect 0 '' sluice restore
	unchanged "$set: killed by 9, then restore"
	start_service --sampler $set
	expect 0 '' sluice attach $target
	sleep 1
	stop_service
	start_service --sampler $set
	stop_service
	unchanged "$set: a service that was started again"
done
kill $target
verdict
EOT2

part_options() {
	options=(--slow-factor 1 --timeout 200)
}
in_guests "$@"
