#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice-report: a result becomes a page that says what the result says and loads nothing; a wrong
# result is refused with a sentence that names the place, and leaves no file behind.
# Usage: report.sh SLUICE-REPORT TESTS/DATA/REPORT
set -uo pipefail
report=$1 data=$2
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
bad=0
check() { # SENTENCE COMMAND...
	"${@:2}" || { echo "FAILED: $1"; bad=1; }
}
no() { ! "$@"; }
page=$tmp/page.html

check "a good result is taken" "$report" --out "$page" "$data/demo.json"
check "emulated hardware is labelled" grep -q 'Emulated hardware' "$page"
check "markup in a title is made harmless" grep -q '&lt;hot&gt;' "$page"
check "nothing is loaded from elsewhere" no grep -qiE '(src|href|url|@import|<script)[ =(]' "$page"
check "figures are shown for people" grep -q '<td>1\.71 M/s</td>' "$page"
check "unknown is shown as unknown" grep -q '<td>unknown</td>' "$page"
check "a gap in the figures is a gap in the line" grep -qE 'class="line l0" d="M[^"]*M' "$page"
check "the picture says in words what it shows" grep -qE '<desc id="chart1-1-d">hotset: 4[0-9.]+ k/s on average until' "$page"
check "a grid's cells have their figures" grep -qE '<rect [^>]*fill-opacity:0\.4[0-9]"/><text [^>]*>98</text>' "$page"
check "what is below nothing has another colour" grep -qE 'var\(--l1\)[^>]*/><text [^>]*>-20</text>' "$page"
check "a grid says in words what it shows" grep -q 'one: 98 % on average, least 98 % at there. two: -20 % on average' "$page"
check "each picture has its text alternative" \
	test "$(grep -c '<svg' "$page")" = "$(grep -c 'role="img" aria-labelledby' "$page")"
check "two results make one page" sh -c '"$1" "$2" "$2" | grep -c "<section>" | grep -qx 2' sh "$report" "$data/demo.json"

refused() { # SENTENCE-PART JQ-FILTER
	jq "$2" "$data/demo.json" >"$tmp/bad.json"
	rm -f "$tmp/bad.html"
	"$report" --out "$tmp/bad.html" "$tmp/bad.json" 2>"$tmp/err"
	check "status 1 for: $2" test $? = 1
	check "'$1' is said for: $2; it said: $(cat "$tmp/err")" grep -qF -- "$1" "$tmp/err"
	check "no file is left for: $2" test ! -e "$tmp/bad.html" -a ! -e "$tmp/bad.html.part"
}
refused 'schema' '.schema = "sluice-result/9"'
refused 'emulated' 'del(.machine.emulated)'
refused "unit 'miles'" '.charts[0].unit = "miles"'
refused 'points[2] is not [seconds, value]' '.charts[0].lines[0].points[2] = ["x", 1]'
refused 'points[3] is earlier' '.charts[0].lines[0].points[3][0] = 0.5'
refused 'a value for each column' '.tables[0].rows[0].values = [1]'
refused 'grid1-0: rows[0].values[1] is no share' '.grids[0].rows[0].values[1] = "x"'
refused 'grid1-0: rows[1] lacks' '.grids[0].rows[1].values = [1]'
refused 'grid1-0: not 1 to' '.grids[0].rows = []'
refused 'headline[1]' 'del(.headline[1].label)'
echo '{"schema": ' >"$tmp/bad.json"
"$report" "$tmp/bad.json" >"$tmp/out" 2>"$tmp/err"
check "broken JSON is refused with its line" grep -q 'bad.json:' "$tmp/err"
"$report" 2>/dev/null
check "no result named is wrong usage" test $? = 2
exit $bad
