#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Trackers on a real kernel, in a guest: each finds a program's hot pages, or says why it cannot, alone
# and with others; tracking costs what was set; and whatever ends it, every kernel setting that any
# tracker touches is as it was.
# Usage: tests/vm/test_trackers.sh [--build DIR] [PART...]; parts: price
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
build=$here/../../build
if [ "${1:-}" = --build ]; then build=$2; shift 2; fi
[ $# -gt 0 ] || set -- price
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cat >"$tmp/price.sh" <<'EOT2'
# What is set is what it costs, within a fifth: our thread, the kernel's, the program's time, summed up
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
	check "$percent % is set, and tracking costs $cost %" awk -v c="${cost%% *}" -v p="$percent" 'BEGIN { exit !(c >= p * 0.8 && c <= p * 1.2) }'
	check 'status tells it' grep -q "($percent % is set)" /tmp/told
	stop_service
	unchanged "a price of $percent %"
done
verdict
EOT2

failures=0
for part; do
	[ -e "$tmp/$part.sh" ] || { echo "$0: there is no part '$part'" >&2; exit 2; }
	echo "== $part"
	"$here/guest" --slow-factor 1 --build "$build" --timeout 200 --add "$here/test_inside.sh" \
		--add "$tmp/$part.sh" -- sh "/root/$part.sh" 2>"$tmp/err" &&
		! grep -qa 'kernel complained' "$tmp/err" || failures=$((failures + 1))
	cat "$tmp/err" >&2
done
echo "$(($# - failures)) of $# parts passed"
[ $failures = 0 ]
