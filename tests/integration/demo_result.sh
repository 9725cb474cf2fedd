#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The demo's evaluation, on the lines of a recorded run: figures that were worked out by hand from
# those lines, a report that sluice-report takes, live lines that show them; and the cases in which
# something is unknown. The run itself is tested in guests.
# Usage: demo_result.sh DEPLOY/DEMO TESTS/DATA/DEMO SLUICE-REPORT
set -uo pipefail
demo=$1 data=$2/dram-cxl.jsonl report=$3
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
bad=0
check() { # SENTENCE COMMAND...
	"${@:2}" || { echo "FAILED: $1"; bad=1; }
}
evaluate() { # SHAPE: the lines on standard input to result.json
	jq -n -L "$demo" --arg shape "$1" --arg workload hotset --arg command demo -f "$demo/result.jq" >"$tmp/result.json"
}
is() { jq -e "$1" "$tmp/result.json" >/dev/null; } # CONDITION

check "a recorded run is evaluated" evaluate dram-cxl <"$data"
# By another way than result.jq's: plain sums over the lines.
before=$(jq -r 'select(.line.phase == "access") | .line.accesses_per_s' "$data" | sed -n 2,10p | awk '{ s += $1 } END { print s / NR }')
after=$(jq -r 'select(.line.phase == "access") | .line.accesses_per_s' "$data" | tail -n 10 | awk '{ s += $1 } END { print s / NR }')
served=$(jq -r 'select(.line.phase == "access") | .truth[].range | "\(.node0) \(.node1)"' "$data" | tail -n 10 |
	awk '{ f += $1; a += $1 + $2 } END { print f / a }')
check "speed before is the mean of seconds 2 to 10" is "(.measured.speed_before / $before - 1 | fabs) < 0.001"
check "speed after is the mean of the last third" is "(.measured.speed_after / $after - 1 | fabs) < 0.001"
check "the gain is their ratio" is "(.measured.gain / ($after / $before) - 1 | fabs) < 0.001"
check "served after is counted over the last third" is "(.measured.served_after - $served | fabs) < 0.002"
check "nothing was served by fast memory before" is '.measured.served_before < 0.001'
check "a guest is labelled emulated" is '.machine.emulated and .machine.shape == "dram-cxl"'
check "each second of the access phase is in each line" is '[.charts[].lines[].points | length] | all(. == 40)'
check "the marker stands where Sluice started" is '.charts[0].markers[0].t_s | . > 9.5 and . < 10.5'
check "the report takes the result" "$report" --out "$tmp/report.html" "$tmp/result.json"

check "this machine is not labelled emulated" eval 'evaluate "" <"$data" && is ".machine.emulated == false"'
check "without a count from outside, the share is where pages lie" eval \
	'jq -c ".truth = []" "$data" | evaluate "" && is ".measured.served_after > 0.5 and (.charts[0].lines[0].name == \"placed\")"'
check "what Sluice does not know yet is null, not zero" eval \
	'jq -c "if .line.demo == \"status\" then .line.status.round.fast_share = null else . end" "$data" | evaluate dram-cxl &&
		is ".measured.estimated_after == null and ([.charts[0].lines[1].points[][1]] | all(. == null))"'
check "a report with unknowns is taken" "$report" --out "$tmp/report.html" "$tmp/result.json"

jq -n -r --unbuffered -L "$demo" --arg full '#' --arg empty '.' -f "$demo/show.jq" <"$data" >"$tmp/shown"
check "one line a second is shown" test "$(grep -c ' s  [#.]\{30\} ' "$tmp/shown")" = 40
check "Sluice's start is shown after second 10" test "$(sed -n '/Sluice starts/{x;p};h' "$tmp/shown" | grep -c '^  10 s')" = 1
check "the share counted outside is what is shown" grep -qE '^  40 s  #+\.+ +9[0-9]\.[0-9] %' "$tmp/shown"
exit $bad
