# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the test_*.sh share inside the guest (sourced by its busybox shell; not a test): checks, and
# whether the machine is as it was.
bad=0 checks=0
check() { # SENTENCE COMMAND...
	checks=$((checks + 1))
	sentence=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "ok      $sentence"
	else
		echo "NOT OK  $sentence"
		bad=$((bad + 1))
	fi
}
no() { ! "$@"; }
# Runs COMMAND; wants that exit status, and the text in what it says on standard error.
expect() { # STATUS TEXT COMMAND...
	want=$1 text=$2
	shift 2
	checks=$((checks + 1))
	"$@" >/tmp/out 2>/tmp/err
	got=$?
	if [ $got = "$want" ] && { [ -z "$text" ] || grep -qF -- "$text" /tmp/err; }; then
		echo "ok      $want${text:+, \"$text\"}: $*"
	else
		echo "NOT OK  $* exits with $got, not $want, or does not say '$text': $(cat /tmp/err)"
		bad=$((bad + 1))
	fi
}
# Waits, 45 s or a little longer, until COMMAND is true.
soon() { # COMMAND...
	left=450
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}

# What Sluice may have changed on this machine: kernel settings, DAMON, trace events, its own notes.
machine() {
	for f in /proc/sys/kernel/numa_balancing* /sys/kernel/mm/numa/demotion_enabled \
		/sys/kernel/debug/sched/numa_balancing/* /sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds \
		/sys/kernel/tracing/events/damon/enable /sys/kernel/tracing/kprobe_events /sys/kernel/tracing/uprobe_events \
		/sys/kernel/mm/lru_gen/* /proc/sys/vm/unprivileged_userfaultfd /proc/sys/kernel/perf_event_* /proc/sys/kernel/kptr_restrict /sys/kernel/mm/transparent_hugepage/enabled; do
		[ ! -e "$f" ] || echo "$f: $(cat "$f")"
	done
	for f in /run/sluice/settings/* /run/sluice/*.sock /sys/kernel/tracing/instances/*; do
		[ ! -e "$f" ] || echo "there is $f"
	done
	if pidof sluiced >/dev/null; then echo "sluiced runs"; fi
	if pidof sluice-policy >/dev/null; then echo "a policy's process runs"; fi
}
machine >/tmp/machine
is_as_before() { machine | cmp -s - /tmp/machine; }
unchanged() { # SENTENCE: within moments everything is as it was
	soon is_as_before
	check "$1: the machine is as it was" is_as_before || return
	is_as_before || machine | diff /tmp/machine - | grep '^[+-]' | sed 's/^/        /'
}
setting_is() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

# A service of our own, in $service; its log in /tmp/service.log.
start_service() { # SLUICED-OPTION...
	sluiced "$@" >/tmp/service.log 2>&1 &
	service=$!
	soon test -S /run/sluice/sluiced.sock || { echo "NOT OK  sluiced did not start: $(cat /tmp/service.log)"; bad=$((bad + 1)); }
}
stop_service() {
	kill "$service"
	wait "$service"
	check "sluiced ends with status $?, 0 wanted" test $? = 0
}
outcome() { sluice status --json | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" | head -n 1; } # a figure of the status
is_positive() { value=$(outcome "$1"); [ "${value:-0}" -gt 0 ]; }
verdict() {
	echo "$((checks - bad)) of $checks checks passed"
	[ $bad = 0 ]
	exit $?
}
