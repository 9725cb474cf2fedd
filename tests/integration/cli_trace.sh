#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice record, heatmap and trace: a real recording of a real program (by smaps, which changes no
# setting), recordings by a service, made-up traces, imports, pictures, and what is refused.
. "$(dirname "$0")/cli_common.sh" "$@"
data=$(dirname "$0")/../data/trace
real=("$real/sluice") fakes=("$fake/sluice")
own=(--sampler smaps --state-dir "$state")

# A command, with the real engine; one tier is enough.
"${real[@]}" record "${own[@]}" -o "$tmp/c.trace" -- \
	perl -e '$x = "a" x 20000000; for (1..50) { $x =~ tr/a/b/; select undef, undef, undef, 0.1 } exit 7' 2>"$tmp/err"
check "the command's status is ours" test $? = 7
check "it is said what was recorded" grep -q "samples in .* recorded to" "$tmp/err"
check "nobody else may read it" test "$(stat -c %a "$tmp/c.trace")" = 600
"${real[@]}" trace info --json "$tmp/c.trace" >"$tmp/i.json"
json "$tmp/i.json" '.ok and .whole and .damaged_bytes == 0 and .lost_samples == 0'
json "$tmp/i.json" '.sample_kinds.rate > 0 and .meta.tracker == "smaps" and .meta.policy == "none" and .meta.moves == "no"'
json "$tmp/i.json" '(.meta.command | startswith("perl -e ")) and (.meta.kernel | startswith("Linux "))'
json "$tmp/i.json" '(.processes | length) == 1 and .processes[0].name == "perl" and .processes[0].mapped_bytes > 20000000'
json "$tmp/i.json" '.items.residency > 5 and (.tiers | length) == 1'
expect 0 "" "${real[@]}" trace check "$tmp/c.trace"
"${real[@]}" heatmap --json --rows 8 --columns 10 "$tmp/c.trace" >"$tmp/h.json"
json "$tmp/h.json" '.ok and .columns == 10 and .rows <= 8 and (.rates | length) == .rows and ([.rates[][]] | map(select(. != null)) | max > 0)'

# A process; Ctrl-C ends it.
perl -e '$x = "a" x 20000000; for (;;) { $x =~ tr/a/b/; select undef, undef, undef, 0.1 }' &
program=$!
pids+=($program)
"${real[@]}" record "${own[@]}" --json -o "$tmp/p.trace" $program >"$tmp/p.json" 2>"$tmp/err" &
pid=$!
pids+=($pid)
sleep 4.5
kill -INT $pid
wait $pid
check "Ctrl-C ends a recording well" test $? = 0
json "$tmp/p.json" '.file == "'"$tmp"'/p.trace" and .samples > 0 and .lost_samples == 0 and .seconds > 1'
expect 0 "" "${real[@]}" trace check "$tmp/p.trace"
# Killed: what was there before can be read.
"${real[@]}" record "${own[@]}" -o "$tmp/k.trace" $program 2>/dev/null &
pid=$!
pids+=($pid)
sleep 4.5
kill -KILL "$(pgrep -P $pid -x sluiced)"
wait $pid 2>/dev/null
"${real[@]}" trace info --json "$tmp/k.trace" >"$tmp/i.json"
json "$tmp/i.json" '.whole == false and .damaged_bytes == 0 and .items.spans > 0'
expect 0 "" "${real[@]}" trace check "$tmp/k.trace"
"${real[@]}" heatmap "${own[@]}" --seconds 3 --rows 4 --columns 20 $program >"$tmp/out" 2>"$tmp/err"
check "the heat of a process" grep -q 'accesses per page' "$tmp/out"
check "without colours, as this is no terminal" no grep -q $'\033' "$tmp/out"

# Recording by the fake engine: with a run, and by a service.
run=(--sysroot "$root" --state-dir "$state" --policy-dir "$policies")
"${fakes[@]}" run "${run[@]}" --record "$tmp/r.trace" -- sleep 1 2>"$tmp/err"
check "a run that is recorded" grep -q "64 samples in .* recorded to '$tmp/r.trace'" "$tmp/err"
"${fakes[@]}" heatmap --rows 64 --columns 1 --json "$tmp/r.trace" >"$tmp/h.json"
json "$tmp/h.json" '[.rates[][0]] == [range(1; 65)]'
json "$tmp/h.json" '.ranges == [.ranges[0]] and .ranges[0].start == "0x10000000" and .ranges[0].row_bytes == 4096'
mkdir -p "$tmp/run"
"$fake/sluiced" "${run[@]}" --socket "$tmp/run/s" &
pids+=($!)
soon test -S "$tmp/run/s"
expect 9 "is not tiered by the service that runs" "${fakes[@]}" record --socket "$tmp/run/s" -o "$tmp/s.trace" $program
"${fakes[@]}" attach --socket "$tmp/run/s" $program >/dev/null
expect 0 "64 samples" "${fakes[@]}" record --socket "$tmp/run/s" --seconds 0.5 -o "$tmp/s.trace" $program
expect 0 "" "${fakes[@]}" trace check "$tmp/s.trace"
expect 1 "cannot write '/nonexistent/x'" "${fakes[@]}" record --socket "$tmp/run/s" -o /nonexistent/x
"${fakes[@]}" record --socket "$tmp/run/s" --seconds 3 --quiet -o "$tmp/s2.trace" &
pid=$!
sleep 0.7
expect 1 "a recording is under way already" "${fakes[@]}" record --socket "$tmp/run/s" --seconds 1 -o "$tmp/s3.trace"
check "and it leaves no file" test ! -e "$tmp/s3.trace"
cp "$tmp/s.trace" "$tmp/old.trace"
expect 1 "a recording is under way already" "${fakes[@]}" record --socket "$tmp/run/s" --seconds 1 -o "$tmp/old.trace"
check "nor does it harm an older one" cmp "$tmp/s.trace" "$tmp/old.trace"
check "one that grows has its name" test -e "$tmp/s2.trace"
wait $pid
expect 9 "is not tiered" "${fakes[@]}" record --socket "$tmp/run/s" -o "$tmp/old.trace" $$
expect 127 "cannot run" "${fakes[@]}" run "${run[@]}" --state-dir "$tmp/state4" --record "$tmp/old.trace" -- /nonexistent/program
check "what is refused leaves an older one as it was" cmp "$tmp/s.trace" "$tmp/old.trace"
expect 0 "" "${fakes[@]}" record --socket "$tmp/run/s" --seconds 0.5 --quiet -o "$tmp/old.trace"
expect 0 "" "${fakes[@]}" trace check "$tmp/old.trace"
check "what is recorded replaces it" no cmp "$tmp/s.trace" "$tmp/old.trace"
check "and nothing lies beside it" test -z "$(ls "$tmp"/*.trace.* 2>/dev/null)"
expect 3 "there is no process" "${real[@]}" record --sampler smaps --state-dir "$tmp/state2" --socket /nonexistent -o "$tmp/none.trace" 99999999
check "a recording that did not begin leaves no file" test ! -e "$tmp/none.trace"
expect 2 "where to?" "${real[@]}" record $program
expect 2 "is not a number of seconds" "${real[@]}" record -o x --seconds -1 $program
expect 2 "no service runs" "${real[@]}" record --socket /nonexistent -o "$tmp/x"

# Made-up ones: the same seed, the same trace, and hot where it should be.
make=("${real[@]}" trace make --size 4M --seconds 5)
"${make[@]}" hot:part=25%,share=90% -o "$tmp/a.trace" >/dev/null
"${make[@]}" hot:part=25%,share=90% -o "$tmp/b.trace" >/dev/null
check "the same seed gives the same bytes" cmp "$tmp/a.trace" "$tmp/b.trace"
"${make[@]}" hot:part=25%,share=90% --seed 2 -o "$tmp/b.trace" >/dev/null
check "another one others" no cmp "$tmp/a.trace" "$tmp/b.trace"
"${real[@]}" trace info --json "$tmp/a.trace" >"$tmp/i.json"
json "$tmp/i.json" '.bytes_per_sample < 2 and .seconds > 4.8 and .meta.pattern == "hot:part=0.25,share=0.9"'
for as in exact hintfault damon pmu; do
	"${make[@]}" hot:part=25%,share=90% --accesses 1e5 --as $as -o "$tmp/$as.trace" >/dev/null
	"${real[@]}" heatmap --json --rows 16 --columns 1 "$tmp/$as.trace" >"$tmp/h.json"
	# A quarter of the rows, or one more at the edge, has 27 times the rate of the others.
	json "$tmp/h.json" '[.rates[][0]] as $r | ($r | max) as $m | ([$r[] | select(. > $m / 5)] | length) | . == 4 or . == 5'
done
expect 2 "there is no pattern 'hut'" "${make[@]}" hut -o "$tmp/x.trace"
expect 2 "has no setting 'stride'" "${make[@]}" hot:stride=3 -o "$tmp/x.trace"
expect 2 "there is no tracker 'x'" "${make[@]}" hot --as x -o "$tmp/x.trace"
expect 2 "needs -o FILE" "${make[@]}" hot
expect 1 "intervals of" "${make[@]}" hot --seconds 0.05 -o "$tmp/x.trace"
check "what is refused leaves no file" test ! -e "$tmp/x.trace"
cp "$tmp/a.trace" "$tmp/old.trace"
expect 1 "intervals of" "${make[@]}" hot --seconds 0.05 -o "$tmp/old.trace"
check "or what was there before" cmp "$tmp/a.trace" "$tmp/old.trace"

# A part of one.
"${real[@]}" trace cut --from 1 --to 3 -o "$tmp/cut.trace" "$tmp/a.trace" >/dev/null
"${real[@]}" trace info --json "$tmp/cut.trace" >"$tmp/i.json"
json "$tmp/i.json" '.seconds > 1.7 and .seconds <= 2 and .items.spans == 1 and .items.residency == 2 and .meta.seed == "1"'
expect 0 "" "${real[@]}" trace check "$tmp/cut.trace"
"${real[@]}" trace cut --pid 5 -o "$tmp/cut.trace" "$tmp/a.trace" >/dev/null
"${real[@]}" trace info --json "$tmp/cut.trace" >"$tmp/i.json"
json "$tmp/i.json" '.samples == 0 and .samples_per_s == null'

# Damage is found, told, and passed over.
size=$(stat -c %s "$tmp/exact.trace")
cp "$tmp/exact.trace" "$tmp/bad.trace"
printf XXXX | dd of="$tmp/bad.trace" bs=1 seek=$((size / 2)) conv=notrunc status=none
expect 1 "is damaged: " "${real[@]}" trace check "$tmp/bad.trace"
head -c $((size / 2)) "$tmp/exact.trace" >"$tmp/short.trace"
expect 0 "" "${real[@]}" trace check "$tmp/short.trace"
check "it is said to be cut off" grep -q 'up to where it is cut off' "$tmp/out"
expect 1 "is no trace" "${real[@]}" trace info "$0"
expect 1 "No such file" "${real[@]}" heatmap "$tmp/none.trace"

# Pictures stand alone.
"${real[@]}" heatmap "$tmp/hintfault.trace" --svg "$tmp/h.svg" --html "$tmp/h.html"
check "a picture is XML" xmllint --noout "$tmp/h.svg"
check "the page has it, and loads nothing" grep -q '<svg' "$tmp/h.html"
check "nothing is loaded" no grep -qE '(src|href)=|url\(|@import' "$tmp/h.html"
"${real[@]}" heatmap "$tmp/hintfault.trace" --svg - >"$tmp/h2.svg"
check "- is standard output" cmp "$tmp/h.svg" "$tmp/h2.svg"
expect 2 "--rows: " "${real[@]}" heatmap --rows 0 "$tmp/a.trace"
"${real[@]}" heatmap --rows 8 --columns 30 "$tmp/a.trace" >"$tmp/out"
check "as characters: eight rows of addresses" test "$(grep -c '^[0-9a-f]\{12\}  ' "$tmp/out")" = 8
script -qec "TERM=xterm-256color '${real[0]}' heatmap --rows 4 '$tmp/a.trace'" /dev/null >"$tmp/out" 2>/dev/null
check "in colours on a terminal" grep -q $'\033\[48;5;' "$tmp/out"

# Imports.
for kind in perf damo lackey; do
	expect 0 "" "${real[@]}" trace import $kind "$data/$kind.txt" -o "$tmp/$kind.trace"
	expect 0 "" "${real[@]}" trace check "$tmp/$kind.trace"
	"${real[@]}" trace import $kind - -o "$tmp/2.trace" <"$data/$kind.txt" >/dev/null
	"${real[@]}" trace info --json "$tmp/2.trace" >"$tmp/i.json"
	json "$tmp/i.json" '.samples > 0 and .items.spans > 0 and .meta.imported == "standard input"'
done
check "samples without an address are counted" grep -q '2 without an address' <("${real[@]}" trace import perf "$data/perf.txt" -o "$tmp/2.trace")
{ cat "$data/damo.txt"; echo 'and now something else'; } >"$tmp/bad.txt"
expect 1 "bad.txt:$(wc -l <"$tmp/bad.txt"): 'and now something else' is neither" "${real[@]}" trace import damo "$tmp/bad.txt" -o "$tmp/x.trace"
check "nothing is left of it" test ! -e "$tmp/x.trace"
expect 1 "bad.txt:" "${real[@]}" trace import damo "$tmp/bad.txt" -o "$tmp/old.trace"
check "and an older one stays" cmp "$tmp/a.trace" "$tmp/old.trace"
# A device stays, whatever goes wrong, and what is read is not written over.
mknod "$tmp/null" c 1 3 2>/dev/null || mkfifo "$tmp/null"
if [ -c "$tmp/null" ]; then
	expect 1 "bad.txt:" "${real[@]}" trace import damo "$tmp/bad.txt" -o "$tmp/null"
	expect 2 "regular file" "${real[@]}" record "${own[@]}" -o "$tmp/null" $program
	"${fakes[@]}" run "${run[@]}" --state-dir "$tmp/state3" --quiet --json-out "$tmp/null" -- true
	check "a device stays what it was" test -c "$tmp/null"
fi
ln -s /dev/stdout "$tmp/stdout"
"${fakes[@]}" run "${run[@]}" --state-dir "$tmp/state3" --quiet --json-out "$tmp/stdout" -- true >"$tmp/out.json"
json "$tmp/out.json" '.command == ["true"]'
check "a link stays one" test -L "$tmp/stdout"
cp "$tmp/a.trace" "$tmp/same.trace"
ln -s same.trace "$tmp/link.trace"
expect 2 "is what is read" "${real[@]}" trace cut "$tmp/same.trace" -o "$tmp/link.trace"
check "what was read is as it was" cmp "$tmp/a.trace" "$tmp/same.trace"
expect 2 "is what is read" "${real[@]}" trace cut "$tmp/link.trace" -o "$tmp/same.trace"
check "through a link too" cmp "$tmp/a.trace" "$tmp/same.trace"
expect 0 "" "${real[@]}" trace cut --from 1e15 "$tmp/a.trace" -o "$tmp/2.trace"
"${real[@]}" trace info --json "$tmp/2.trace" >"$tmp/i.json"
json "$tmp/i.json" '.samples == 0'
expect 1 "has no samples in 0 lines" "${real[@]}" trace import lackey /dev/null -o "$tmp/x.trace"
expect 2 "cannot import 'etl'" "${real[@]}" trace import etl "$data/perf.txt" -o "$tmp/x.trace"
expect 2 "usage: sluice trace" "${real[@]}" trace
expect 2 "usage: sluice trace" "${real[@]}" trace info
kill $program
exit $bad
