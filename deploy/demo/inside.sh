#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The demo's inner half, where the tiers are: in the guest, or on this machine with --here. It starts
# hotset, lets it run alone for BEFORE seconds, then starts Sluice and lets it work for AFTER seconds.
# Everything it has to tell goes to standard output as JSON, one object a line: hotset's own lines as
# they are, the others with a member "demo".
#
# Usage: inside.sh BEFORE AFTER HOTSET-OPTION...
# Exit status: 0, that of a Sluice command that refused (5: no second tier), or 1.
set -u
before=$1 after=$2
shift 2
tmp=$(mktemp -d) || exit 1
hotset_pid='' sluiced_pid=''

stop() { # PID: and wait until it has ended, for Sluice puts kernel settings back then
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
cleanup() {
	stop "$sluiced_pid"
	stop "$hotset_pid"
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE

one_line() { tr -d '\n'; }
tell() { printf '{"demo":"%s","%s":%s}\n' "$1" "$1" "$2"; } # KIND JSON
fail() { # STATUS SENTENCE
	echo "demo: $2" >&2
	if [ -s "$tmp/sluiced.log" ]; then sed 's/^/    /' "$tmp/sluiced.log" >&2; fi
	exit "$1"
}
ours() { sluice "$@" --socket "$tmp/socket"; }

start_sluice() {
	tell event '"Sluice starts"'
	sluiced --socket "$tmp/socket" >"$tmp/sluiced.log" 2>&1 &
	sluiced_pid=$!
	left=100
	until [ -S "$tmp/socket" ]; do
		kill -0 "$sluiced_pid" 2>/dev/null || {
			wait "$sluiced_pid"
			status=$?
			sluiced_pid=''
			fail $status "sluiced ended with status $status; it said:"
		}
		left=$((left - 1))
		[ $left -gt 0 ] || fail 1 "sluiced was not there after 10 s; it said:"
		sleep 0.1
	done
	ours attach "$hotset_pid" >/dev/null 2>"$tmp/err" || fail $? "$(cat "$tmp/err")"
}

topology=$(sluice topology --json 2>"$tmp/err" | one_line)
[ -n "$topology" ] || fail 1 "$(cat "$tmp/err")"
tell topology "$topology"
tell kernel "\"$(uname -r)\""
mkfifo "$tmp/lines" || exit 1
hotset --seconds $((before + after)) "$@" >"$tmp/lines" &
hotset_pid=$!

# hotset's lines are the clock: one a second.
seconds=0
while IFS= read -r line; do
	printf '%s\n' "$line"
	case $line in *'"phase":"access"'*) seconds=$((seconds + 1)) ;; *) continue ;; esac
	if [ -z "$sluiced_pid" ] && [ $seconds -ge "$before" ]; then start_sluice; fi
	if [ -n "$sluiced_pid" ]; then
		status=$(ours status --json 2>"$tmp/err" | one_line)
		[ -n "$status" ] || fail 1 "$(cat "$tmp/err")"
		tell status "$status"
	fi
done <"$tmp/lines"
wait "$hotset_pid" || fail 1 "hotset did not end well"
hotset_pid=''
[ -n "$sluiced_pid" ] || fail 1 "hotset ended before Sluice was started"
stop "$sluiced_pid"
sluiced_pid=''
tell end true
