#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A policy's process on a real kernel, in a guest: it is shut in, misbehaviour costs rounds and is
# told, the safe policy keeps the watermark meanwhile, pages are explained, and nothing of it stays,
# however the service ends.
# Usage: tests/vm/test_policies.sh [--build DIR]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"

cat >"$tmp/policies.sh" <<'EOT'
. /root/test_inside.sh
said() { sluice status | grep -q "$1"; }
policy_pid() { pidof sluice-policy; }

hotset --size 120M --hot 20M --start-on 1 --seconds 150 --quiet >/dev/null 2>&1 &
target=$!
start_service --policy-set min_age_ms=2500
expect 0 '' sluice attach $target
check 'pages move, with the policy in a process of its own' soon is_positive moved
check 'that is one process' test "$(policy_pid | wc -w)" = 1
check 'no system call is left to it' grep -q '^Seccomp:	2' /proc/$(policy_pid)/status
check 'no capability' grep -q '^CapEff:	0000000000000000' /proc/$(policy_pid)/status
check 'no file' test "$(ls /proc/$(policy_pid)/fd | wc -l)" = 0
check 'nothing is said of it, as nothing is wrong' no said 'policy failed'

# A page of the hot program, by its largest mapping.
address=0x$(awk '/rw-p/ { split($1, a, "-"); print a[1] }' /proc/$target/maps | while read -r at; do
	sluice policy explain $target 0x$at >/dev/null 2>&1 && echo $at && break
done)
expect 0 '' sluice policy explain $target $address
check 'a page is explained' grep -q "^why  *[a-z0-9]" /tmp/out
check 'by its tier' grep -q 'is in tier [01] (dram)' /tmp/out
check 'and its heat' grep -q '^heat' /tmp/out
expect 1 'is in no memory that is tiered' sluice policy explain $target 0x1000
expect 3 'is not attached' sluice policy explain 1 0x1000
expect 0 '' sluice policy explain auto
check 'its process is told' grep -q "it runs, as process $(policy_pid)" /tmp/out
check 'and what was set' grep -q 'min_age_ms = 2500 (set)' /tmp/out

kill -9 $(policy_pid)
check 'killed, it is replaced, and that is told' soon said 'policy failed in 1 rounds (exit 1)'
revived() { [ "$(policy_pid | wc -w)" = 1 ]; }
check 'it is started anew' soon revived
kill -9 $service
wait $service 2>/dev/null
gone() { no pidof sluice-policy; }
check 'when the service is killed, its policy dies' soon gone
expect 0 '' sluice restore
rm -f /run/sluice/sluiced.sock
unchanged 'killed by 9'

# One that crashes now and then: most rounds are its own, and it is benched in the end. It would not
# start if it saw any file while it is loaded (how=load-read).
start_service --policy /root/misbehave.so --policy-set how=load-read --policy-set how=view --policy-set every=2 --interval 200ms
expect 0 '' sluice attach $target
check 'crashes are told' soon said 'crash [1-9]'
check 'in a note too' said 'note: .*wrote to the view'
benched() { sluice status --json | grep -q '"benched_ms": [0-9]'; }
check 'it is benched' soon benched
check 'which is told' said 'benched for'
expect 0 '' sluice policy explain misbehave
check 'here as well' grep -q 'it is benched for another' /tmp/out
check 'and logged' grep -q 'the safe policy decides for the next 10 s' /tmp/service.log
stop_service
unchanged 'a policy that crashes'

# One that never comes to an end, while fast memory is below its watermark: the safe policy makes room.
start_service --policy /root/misbehave.so --policy-set how=loop --policy-timeout 50ms --watermark 40% --interval 500ms
hotset --size 260M --hot 4M --start-on 0 --seconds 60 --quiet >/dev/null 2>&1 &
filler=$!
expect 0 '' sluice attach $filler
check 'its time is up, again and again' soon said 'time [1-9]'
demoted() { value=$(outcome demoted_bytes); [ "${value:-0}" -gt 1000000 ]; }
check 'the safe policy moves memory out of the full tier' soon demoted
kill -TERM $service
wait $service
check "the service ends at once, with status $?" test $? = 0
unchanged 'a policy that hangs'
kill $target $filler
verdict
EOT

in_guest policies.sh --shape dram-slow --slow-factor 1 --timeout 200 --add "$build/policies-test/misbehave.so"
