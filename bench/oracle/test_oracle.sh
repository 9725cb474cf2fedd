#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice-oracle: a problem that can be solved by hand, patterns, and what is wrong is said.
# Usage: test_oracle.sh SLUICE-ORACLE
set -uo pipefail
oracle=$1
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
bad=0
check() { # SENTENCE COMMAND...
	"${@:2}" || { echo "FAILED: $1"; bad=1; }
}
holds() { # JQ-FILTER FILE
	jq -e "$1" "$2" >/dev/null || { jq . "$2"; return 1; }
}

# One slot, two items; item 0 is fast at first and worth 10, 10, 1, item 1 is worth 0, 0, 20. Moving
# once costs 3 + 2: 20 + 20 - 5. Staying earns 21, and item 1 for all of the time 20 - 5.
cat >"$tmp/small.json" <<'END'
{ "schema": "sluice-oracle-problem/1", "capacity_bytes": 4096, "bytes": 4096, "up": 3, "down": [2, 2],
  "initial": [0], "saved": [[10, 0], [10, 0], [1, 20]] }
END
"$oracle" --problem "$tmp/small.json" --json --moves >"$tmp/out.json"
check "a small problem is solved" test $? = 0
check "moving is 35" holds '.moving.value == 35 and .moving.bound == 35 and .moving.cost == 5' "$tmp/out.json"
check "static is 21" holds '.static.value == 21' "$tmp/out.json"
check "free is 40" holds '.free.value == 40 and .free.cost == 0' "$tmp/out.json"
check "the moves are told" holds '.moves == [{"epoch": 2, "up": [1], "down": [0]}]' "$tmp/out.json"
check "bytes moved are told" holds '.moving.up_bytes == 4096 and .moving.down_bytes == 4096' "$tmp/out.json"
"$oracle" --problem - <"$tmp/small.json" >"$tmp/table"
check "standard input is read, a table printed" grep -qE '^moving +35 +35 +0\.000 %' "$tmp/table"

for pattern in hotset zipf phases drift scan uniform random; do
	"$oracle" --pattern $pattern --items 1000 --epochs 60 --period 20 --json >"$tmp/out.json"
	check "$pattern is solved" test $? = 0
	check "$pattern: within 1 %, and in order" holds '.moving.gap <= 0.01 and
		.free.bound >= .moving.bound * 0.999999 and .moving.bound >= .moving.value and
		.moving.value >= .static.value and .static.value >= 0' "$tmp/out.json"
done
"$oracle" --pattern hotset --items 1000 --epochs 20 --period 5 --json --seed 7 | jq 'del(.. | .seconds?)' >"$tmp/a"
"$oracle" --pattern hotset --items 1000 --epochs 20 --period 5 --json --seed 7 | jq 'del(.. | .seconds?)' >"$tmp/b"
check "the same seed, the same answer" cmp -s "$tmp/a" "$tmp/b"

wrong() { # STATUS SENTENCE-PART ARGUMENT...
	"$oracle" "${@:3}" >"$tmp/out" 2>"$tmp/err"
	check "status $1 for: ${*:3}" test $? = "$1"
	check "'$2' is said for: ${*:3}; it said: $(cat "$tmp/err")" grep -qF -- "$2" "$tmp/err"
	check "one line is said for: ${*:3}" test "$(wc -l <"$tmp/err")" = 1
}
wrong 2 'one of --problem and --pattern'
wrong 2 'one of --problem and --pattern' --pattern zipf --problem "$tmp/small.json"
wrong 2 'hotset, zipf' --pattern zapf
wrong 2 'out of range' --pattern zipf --items 0
wrong 2 '--moves needs --json' --pattern zipf --moves
wrong 1 'nowhere' --problem "$tmp/nowhere"
refused() { # SENTENCE-PART JQ-FILTER
	jq "$2" "$tmp/small.json" >"$tmp/bad.json"
	wrong 1 "$1" --problem "$tmp/bad.json"
}
refused "'schema' must be" '.schema = "x"'
refused "'saved' must be" '.saved = []'
refused 'saved[1] must be an array of 2' '.saved[1] = [1]'
refused 'saved[2][1] must be a number' '.saved[2][1] = "x"'
refused 'saved[0][0] must be a number' '.saved[0][0] = 1e300'
refused "'capacity_bytes' must be" '.capacity_bytes = -1'
refused "'bytes' of item 0" '.bytes = -4096'
refused 'has no size' '.bytes = [0, 1]'
refused "'up' must be a number" 'del(.up)'
refused "'down' has 1 elements for 2" '.down = [1]'
refused 'initial[0] is not the number of an item' '.initial = [2]'
refused "'initial' must be an array" '.initial = 1'
refused 'initial placement has 8192 bytes' '.initial = [0, 1]'
echo '{"schema": ' >"$tmp/broken.json"
wrong 1 'broken.json:' --problem "$tmp/broken.json"
exit $bad
