#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Safety rule 1 in a guest: a program that checks every byte it reads finds none changed while all its
# pages go up and down, and the machine is as it was afterwards.
# Usage: tests/vm/test_survives.sh [--build DIR] [--seconds S]
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/test_outside.sh"
seconds=15
while [ $# -gt 1 ]; do
	case $1 in
	--build) build=$2 ;;
	--seconds) seconds=$2 ;;
	esac
	shift 2
done

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
in_guest inside.sh --slow-factor 1 --timeout $((seconds * 2 + 30)) --add "$build/policies-test/churn.so" \
	-- "$seconds"
