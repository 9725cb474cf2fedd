#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluice-bench trace: rows for each kind of tracker, with figures that can be; bad usage is told.
set -uo pipefail
build=${1:?build folder}
bench=$build/bin/sluice-bench
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

rows=$("$bench" trace --seconds 3 --mib 16 --json) || fail "exit status $?"
jq -e 'map(.tracker) == ["exact", "hintfault", "damon", "pmu"]' >/dev/null <<<"$rows" || fail "trackers: $rows"
jq -e 'all(.samples > 100 and .bytes_per_sample > 0.05 and .bytes_per_sample < 20
	and .caller_ns > 0 and .writer_ns > 0 and .read_per_s > 1e4 and .times_real_time > 1)' \
	>/dev/null <<<"$rows" || fail "figures: $rows"
"$bench" trace --seconds 3 --mib 16 | grep -q '^hintfault .* M/s' || fail "no table"
for wrong in "--mib 0" "--seconds x" "--what" "more"; do
	"$bench" trace $wrong >/dev/null 2>"$errors"; status=$?
	[ $status -eq 2 ] && grep -q 'see sluice-bench trace --help' "$errors" || fail "'$wrong': $status"
done
TMPDIR=/nowhere "$bench" trace --seconds 3 --mib 16 2>/dev/null && fail "wrote to a folder that is not there"
echo passed
