#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Safety rule 1 in a guest: a program that checks every byte it reads finds none changed while all its
# pages go up and down, and the machine is as it was afterwards.
# Usage: tests/vm/test_survives.sh [--build DIR] [--seconds S]
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
build=$here/../../build seconds=15
while [ $# -gt 1 ]; do
	case $1 in
	--build) build=$2 ;;
	--seconds) seconds=$2 ;;
	esac
	shift 2
done
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cat >"$tmp/inside.sh" <<'EOT'
. /root/test_inside.sh
sluice run --policy /root/churn.so --rate 1G --json-out /tmp/run.json -- \
	checksum --size 64M --seconds $1 --threads 2 >/tmp/sum.jsonl
check "checksum ends with $?, 0 wanted: no page changed" test $? = 0
cat /tmp/sum.jsonl
check 'it says so: no difference' grep -q '"differences":0,' /tmp/sum.jsonl
figure() { sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$2" | head -n 1; }
check 'every page was compared many times' test "$(figure verified /tmp/sum.jsonl)" -gt $((16384 * 4))
for way in promoted demoted; do
	check "$way: $(figure ${way}_bytes /tmp/run.json) bytes, at least the program's memory" \
		test "$(figure ${way}_bytes /tmp/run.json)" -ge $((64 << 20))
done
check 'the kernel tells of as many pages' \
	test "$(awk '$1 == "pgmigrate_success" { print $2 }' /proc/vmstat)" -ge $(($(figure promoted_bytes /tmp/run.json) / 4096))
check 'no page landed elsewhere or failed' test "$(figure elsewhere /tmp/run.json)$(figure failed /tmp/run.json)" = 00
unchanged 'after the churn'
verdict
EOT
"$here/guest" --slow-factor 1 --build "$build" --timeout $((seconds * 2 + 30)) --add "$here/test_inside.sh" \
	--add "$tmp/inside.sh" --add "$build/policies-test/churn.so" -- sh /root/inside.sh "$seconds" 2>"$tmp/err"
status=$?
cat "$tmp/err" >&2
! grep -qa 'kernel complained' "$tmp/err" && exit $status
exit 1
