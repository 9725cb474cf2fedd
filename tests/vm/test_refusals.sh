#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Bad input on a real kernel, in a guest: each a sentence, the exit status of sluice(1), and the
# machine as it was afterwards; also after an end by kill -9.
# Usage: tests/vm/test_refusals.sh [--build DIR] [PART...]; parts: targets service files damon full single
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"
[ $# -gt 0 ] || set -- targets service files damon full single

cat >"$tmp/targets.sh" <<'EOT'
# Processes that cannot be tiered, and one that ends while its pages move.
. /root/test_inside.sh
start_service --policy /root/churn.so --rate 1G --sampler smaps
expect 3 'there is no process 999999' sluice attach 999999
expect 3 'process 999999 is not attached' sluice detach 999999
expect 3 'no process is named' sluice attach no-such-program
expect 9 'is a kernel thread' sluice attach 2
expect 9 'process 1 (init)' sluice attach 1
expect 9 'sluiced itself' sluice attach $service
expect 4 'may only be used by root' su nobody -c 'sluice status --socket /run/sluice/sluiced.sock'
expect 6 'another sluiced' sluice run -- touch /tmp/started
check 'a refused run did not start its command' test ! -e /tmp/started

for i in 1 2 3; do
	hotset --size 120M --start-on 1 --seconds 60 --quiet >/dev/null 2>&1 &
	target=$!
	moved=$(outcome moved)
	sleep 1.5
	expect 0 '' sluice attach $target
	more() { [ "$(outcome moved)" -gt "${moved:-0}" ]; }
	check "pages of process $i move" soon more
	kill -9 $target
	wait $target 2>/dev/null
	expect 3 "$target" sluice attach $target
done

# What the owner placed stays, and is told.
numactl --membind=1 hotset --size 40M --hot 10M --seconds 60 --quiet >/dev/null 2>&1 &
target=$!
sleep 1.5
moved=$(outcome moved)
expect 0 '' sluice attach $target
noted() { sluice status | grep -q 'placed by its owner'; }
check 'memory that its owner bound is told of' soon noted
check 'and stays' test "$(outcome moved)" = "$moved"
kill -9 $target
wait $target 2>/dev/null
forgotten() { sluice status --json | tr -d ' \n' | grep -qF '"targets":[]'; }
check 'the service goes on, without them' soon forgotten
check 'it is still the same service' kill -0 $service
stop_service
check 'it had no error to tell of' no grep -qiE 'error|fail|assert' /tmp/service.log
unchanged 'after processes that ended in mid-move'
[ ! -s /tmp/service.log ] || sed 's/^/        /' /tmp/service.log

# The pid of a target that has just ended goes to another program, which nobody attached. The service
# is at rest, so that it does not notice by its own work.
start_service --policy skeleton --sampler smaps
hotset --size 8M --hot 4M --seconds 60 --quiet >/dev/null 2>&1 &
target=$!
sleep 1
expect 0 '' sluice attach $target
sleep 7
kill -9 $target
wait $target 2>/dev/null
echo $((target - 1)) >/proc/sys/kernel/ns_last_pid
hotset --size 8M --hot 4M --seconds 60 --quiet >/dev/null 2>&1 &
other=$!
check "another program has its pid, $target" test $other = $target
sleep 3
check 'it is no target' forgotten
expect 0 '' sluice attach $other
check 'until it is attached' no forgotten
kill -9 $other
wait $other 2>/dev/null
stop_service

# Without rights over the process.
hotset --size 8M --hot 4M --seconds 60 --quiet >/dev/null 2>&1 &
target=$!
sleep 0.5
mkdir -m 700 /tmp/nobody && chown nobody /tmp/nobody
cat >/tmp/as-nobody <<'EOS'
export XDG_RUNTIME_DIR=/tmp/nobody
sluiced --sampler smaps >/tmp/nobody/log 2>&1 &
left=50
until [ -S /tmp/nobody/sluice/sluiced.sock ] || [ $left = 0 ]; do sleep 0.1; left=$((left - 1)); done
sluice attach $1
status=$?
kill %1
wait %1
exit $status
EOS
expect 4 "not allowed to look into process $target" su nobody -c "sh /tmp/as-nobody $target"
kill $target
for sampler in hintfault damon; do
	expect 4 'root' su nobody -c "XDG_RUNTIME_DIR=/tmp/nobody sluice run --sampler $sampler -- touch /tmp/started"
done
check 'and no command was started' test ! -e /tmp/started
unchanged 'without permission'
verdict
EOT

cat >"$tmp/service.sh" <<'EOT'
# However Sluice ends, the machine is as it was.
. /root/test_inside.sh
hotset --size 40M --hot 20M --start-on 1 --seconds 100 --quiet >/dev/null 2>&1 &
target=$!
changed() { no is_as_before && ls /run/sluice/settings/* && setting_is /proc/sys/kernel/numa_balancing_promote_rate_limit_MBps 0; }
for how in restore 'next start'; do
	start_service
	expect 0 '' sluice attach $target
	check 'at work, Sluice has settings changed, and written down' soon changed
	sleep 1
	kill -9 $service
	wait $service 2>/dev/null
	check 'killed, it leaves them so' changed
	if [ "$how" = restore ]; then
		expect 0 '' sluice restore
	else
		expect 0 '' sluice run --quiet -- true
	fi
	rm -f /run/sluice/sluiced.sock # the next service replaces it, and nobody answers at it
	unchanged "killed by 9, then $how"
done
kill $target
wait $target 2>/dev/null

# Killed while pages are on their way: the kernel finishes or leaves each of them whole.
checksum --size 64M --seconds 25 --threads 1 >/tmp/sum.jsonl 2>&1 &
target=$!
start_service --policy /root/churn.so --rate 1G
expect 0 '' sluice attach $target
check 'pages are moving' soon is_positive moved
sleep 1
kill -9 $service
wait $service 2>/dev/null
check 'killed in mid-move, it leaves settings changed' no is_as_before
expect 0 '' sluice restore
rm -f /run/sluice/sluiced.sock
unchanged 'killed by 9 in mid-move, then restore'
start_service --policy /root/churn.so --rate 1G
expect 0 '' sluice attach $target
check 'a second service moves them on' soon is_positive moved
expect 6 "another sluiced (pid $service)" sluiced --socket /tmp/second.sock
expect 6 "another sluiced (pid $service)" sluice run --policy /root/churn.so -- touch /tmp/started
check 'a refused second leaves no socket, and starts no command' test ! -e /tmp/second.sock -a ! -e /tmp/started
check 'the first is still at work, settings and all' changed
stop_service
unchanged 'two at once, then SIGTERM in mid-move'
wait $target
check "the program finds every byte as it was: status $?, 0 wanted" test $? = 0

# Somebody takes away the tiering bit, and it cannot be set again: without it nothing may be moved.
hotset --size 64M --hot 16M --seconds 100 --quiet >/dev/null 2>&1 &
target=$!
start_service --policy /root/churn.so --rate 1G
expect 0 '' sluice attach $target
check 'pages are moving' soon is_positive moved
echo 0 >/tmp/zero
mount -o bind /tmp/zero /proc/sys/kernel/numa_balancing
mount -o remount,bind,ro /proc/sys/kernel/numa_balancing
told() { sluice status | grep -q 'nothing is moved: hintfault'; }
check 'when the tiering bit cannot be set, status says why nothing moves' soon told
moved=$(outcome moved)
sleep 1
check 'and so it is' test "$(outcome moved)" = "$moved"
check 'it is still told of' told
umount /proc/sys/kernel/numa_balancing
more() { [ "$(outcome moved)" -gt "${moved:-0}" ]; }
check 'when it can, pages move on' soon more
kill $target
wait $target 2>/dev/null
stop_service
unchanged 'settings that could not be changed for a while'

# At its busiest: what is hot is not known yet.
hotset --size 300M --hot 60M --seconds 100 --quiet >/dev/null 2>&1 &
target=$!
for signal in TERM INT HUP; do
	start_service
	expect 0 '' sluice attach $target
	check 'it learns' soon changed
	sleep 2
	kill -$signal $service
	wait $service
	check "SIG$signal while it learns ends it with $?, 0 wanted" test $? = 0
	unchanged "SIG$signal while it learns"
done
kill $target
wait $target 2>/dev/null

sluice run --quiet -- sleep 100 &
run=$!
check 'sluice run has settings changed' soon changed
kill -9 $run
unchanged 'sluice run killed by 9'
for pid in $(pidof sleep); do kill $pid; done
sluice run --quiet -- sleep 100 &
run=$!
soon changed
kill -TERM $run
wait $run
check 'sluice run ended by SIGTERM: 143' test $? = 143
unchanged 'sluice run ended by SIGTERM'
expect 127 'no-such-command' sluice run -- no-such-command
expect 126 '/root' sluice run -- /root
unchanged 'a command that is not there'
verdict
EOT

cat >"$tmp/files.sh" <<'EOT'
# Policies and configurations that are not to be had.
. /root/test_inside.sh
refused() { # STATUS TEXT OPTION...
	status=$1 text=$2
	shift 2
	expect "$status" "$text" sluice run "$@" -- touch /tmp/started
}
refused 7 "there is no policy file '/root/none.so'" --policy /root/none.so
refused 7 "no policy 'none'" --policy none
echo 'not a policy' >/root/text.so
refused 7 "'/root/text.so' is" --policy /root/text.so
cp /root/churn.so /root/loose.so && chmod 666 /root/loose.so
refused 7 'writable by its group or by everybody' --policy /root/loose.so
cp /root/churn.so /root/theirs.so && chown nobody /root/theirs.so
refused 7 'belongs to user' --policy /root/theirs.so
refused 7 'other-abi' --policy /root/bad/other-abi.so
refused 7 'decide' --policy /root/bad/no-decide.so
refused 7 'init' --policy /root/bad/no-init.so
refused 7 "'nope'" --policy-set nope=1
printf 'rate = 10M\nfrob = 1\n' >/root/key.conf
refused 2 "/root/key.conf:2: unknown key 'frob'" --config /root/key.conf
printf '# fine\nrate = 3 parsecs\n' >/root/unit.conf
refused 2 '/root/unit.conf:2: rate' --config /root/unit.conf
expect 2 '/root/unit.conf:2: rate' sluiced --config /root/unit.conf
refused 2 'cannot read the configuration' --config /root/none.conf
refused 2 "interval: '5'" --interval 5
check 'no refused run started its command' test ! -e /tmp/started
unchanged 'policies and configurations'
verdict
EOT

cat >"$tmp/damon.sh" <<'EOT'
# DAMON in use by another, and none at all.
. /root/test_inside.sh
admin=/sys/kernel/mm/damon/admin/kdamonds
hotset --size 8M --hot 4M --seconds 100 --quiet >/dev/null 2>&1 &
watched=$!
echo 1 >$admin/nr_kdamonds
echo 1 >$admin/0/contexts/nr_contexts
echo vaddr >$admin/0/contexts/0/operations
echo 1 >$admin/0/contexts/0/targets/nr_targets
echo $watched >$admin/0/contexts/0/targets/0/pid_target
echo on >$admin/0/state
theirs() { cat $admin/nr_kdamonds $admin/0/state $admin/0/pid $admin/0/contexts/0/operations $admin/0/contexts/0/targets/0/pid_target; }
theirs >/tmp/theirs
check "somebody's kdamond runs" grep -qx on /tmp/theirs
machine >/tmp/machine
expect 6 'DAMON is in use by somebody else' sluice run --sampler damon -- touch /tmp/started
check 'the command was not started' test ! -e /tmp/started
unchanged 'DAMON in use'
expect 0 '' sluice run --json-out /tmp/run.json -- hotset --size 20M --hot 4M --start-on 1 --seconds 3 --quiet
check 'auto does without DAMON' no grep -q '"damon"' /tmp/run.json
check 'and is at work' grep -q '"tiered": true' /tmp/run.json
theirs >/tmp/theirs.after
check "their kdamond is as it was" cmp /tmp/theirs /tmp/theirs.after
unchanged 'beside their DAMON'
echo off >$admin/0/state
echo 0 >$admin/nr_kdamonds
kill $watched

# A kernel without it looks like this.
mount -t tmpfs none /sys/kernel/mm/damon
machine >/tmp/machine
expect 6 'no DAMON' sluice run --sampler damon -- touch /tmp/started
check 'the command was not started' test ! -e /tmp/started
expect 0 '' sluice run --json-out /tmp/run.json -- hotset --size 20M --hot 4M --start-on 1 --seconds 2 --quiet
check 'auto does without it' grep -q '"tiered": true' /tmp/run.json
unchanged 'no DAMON'
verdict
EOT

cat >"$tmp/full.sh" <<'EOT'
# Fast memory that others have filled past the watermark: nothing is promoted into it, nobody harmed.
# The watermark is 10 %, as some MiB come and go by themselves, which is much of the usual 3 here.
. /root/test_inside.sh
free_kb() { awk '/MemFree/ { print $4 }' /sys/devices/system/node/node0/meminfo; }
total_kb() { awk '/MemTotal/ { print $4 }' /sys/devices/system/node/node0/meminfo; }
hotset --size $(($(free_kb) / 1024 - 8))M --pattern uniform --start-on 0 --seconds 100 >/tmp/filler.jsonl 2>/tmp/err &
filler=$!
check 'a program fills fast memory' soon grep -q '"phase":"access"' /tmp/filler.jsonl
check "less than half of the watermark is free: $(free_kb) of $(total_kb) kB" test $(($(free_kb) * 100)) -lt $(($(total_kb) * 5))
held() { sed -n 's/.*"access_fast_share":\([0-9.]*\).*/\1/p' /tmp/filler.jsonl | tail -n 1; }
held_before=$(held)
expect 0 '' sluice run --watermark 10% --json-out /tmp/run.json -- hotset --size 40M --hot 20M --start-on 1 --seconds 8 --report /tmp/h.jsonl
cat /tmp/err | sed 's/^/        /'
check 'the end report says that it was full' grep -q 'fast memory was full for' /tmp/err
check 'and of what' grep -q "of it is not the targets" /tmp/err
check 'Sluice was at work' grep -q '"tiered": true' /tmp/run.json
promoted() { sed -n 's/.*"promoted_bytes": *\([0-9]*\).*/\1/p' /tmp/run.json | head -n 1; }
check "it promoted nothing: $(promoted) bytes" test "$(promoted)" = 0
check 'the program ran to its end' grep -q '"summary":true' /tmp/h.jsonl
check "who filled it keeps its place: share $held_before, then $(held)" \
	awk -v a="$held_before" -v b="$(held)" 'BEGIN { exit !(a > 0.9 && b >= a - 0.01) }'
kill $filler
wait $filler
unchanged 'fast memory was full'
verdict
EOT

cat >"$tmp/single.sh" <<'EOT'
# A machine without a second tier.
. /root/test_inside.sh
expect 5 'only one memory tier' sluice run -- touch /tmp/started
expect 5 'only one memory tier' sluiced
check 'no refused run started its command' test ! -e /tmp/started
check 'and none left a state folder' test ! -e /run/sluice
sluice doctor >/tmp/out 2>&1
check "doctor exits with 5" test $? = 5
expect 7 'untiered' sluice run --best-effort -- sh -c 'exit 7'
expect 0 '' sluice topology
unchanged 'no second tier'
verdict
EOT

part_options() { # PART
	options=(--shape dram-slow --slow-factor 1 --timeout 200 --add "$build/policies-test/churn.so"
		--add "$build/policies-bad:/root/bad")
	[ "$1" != single ] || options[1]=single
}
in_guests "$@"
