#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The views of `sluice topology`: on captured and made-up machines each must come out as it stands in
# tests/data/topology/views. After a change that is meant, WRITE_VIEWS=1 writes them anew; read the
# difference before you commit it. Then what holds for all views: they fit 80 columns, are ASCII and
# without colours where they have to be, other programs can read them, and the manual knows them.
. "$(dirname "$0")/cli_common.sh" "$@"
source=$(cd "$(dirname "$0")/../.." && pwd)
data=$source/tests/data/topology
views=$data/views
export LC_ALL=C.UTF-8 TMPDIR=$tmp
unset NO_COLOR SLUICE_SYNTHETIC
topology() { "$real/sluice" topology --state-dir "$state" "$@"; }

declare -A machines=(
	[single]="--sysroot $data/single.tree"
	[dram-slow]="--sysroot $data/dram-slow.tree"
	[dram-cxl]="--sysroot $data/dram-cxl.tree"
	[dram-pmem]="--sysroot $data/dram-pmem.tree"
	[two-socket-cxl]="--sysroot $data/two-socket-cxl.tree"
	[two-socket-expanders]="--sysroot $data/two-socket-expanders.tree"
	[corrected]="--sysroot $data/two-socket-cxl.tree --nodes 2-3=cxl@300ns"
	[eight]="--synthetic 4xdram:64G@80ns,100GB/s\_4xcxl:256G@250ns,30GB/s\_swap:16G"
	[many]="--synthetic 8xdram:64G@80ns,100GB/s\_56xcxl:256G@250ns,30GB/s"
)
of() { # MACHINE: its options, one a line
	echo "${machines[$1]}" | tr ' ' '\n' | sed 's/\\_/ /g'
}
same() { # FILE: is $tmp/view what stands there?
	if [ -n "${WRITE_VIEWS:-}" ]; then
		mkdir -p "$views" && cp "$tmp/view" "$views/$1"
	elif ! diff -u "$views/$1" "$tmp/view" >"$tmp/diff"; then
		echo "FAILED: $1 is not as it was:"
		head -n 40 "$tmp/diff"
		bad=1
	fi
}
fits() { # SENTENCE: no line of $tmp/view is longer than 80 characters
	local long
	long=$(grep -E '^.{81,}' "$tmp/view")
	[ -z "$long" ] || { echo "FAILED: $1 is wider than 80 columns: $long"; bad=1; }
}

for name in "${!machines[@]}"; do
	mapfile -t options < <(of "$name")
	topology "${options[@]}" >"$tmp/view" 2>&1
	same "$name.txt"
	fits "$name"
	check "no colours into a pipe ($name)" no grep -q $'\033' "$tmp/view"
	LC_ALL=C topology "${options[@]}" >"$tmp/view" 2>&1
	fits "$name in ASCII"
	check "ASCII where the locale has no more ($name)" no grep -qP '[^\x00-\x7f]' "$tmp/view"

	topology "${options[@]}" --svg >"$tmp/view" 2>&1
	same "$name.svg"
	check "the SVG of $name is XML" xmllint --noout --nonet "$tmp/view"
	check "the SVG of $name loads nothing" no grep -qE 'href|url\(|<script|<image|@import' "$tmp/view"
	topology "${options[@]}" --xml >"$tmp/view" 2>&1
	[ "$name" = many ] || same "$name.xml"
	check "the XML of $name is XML" xmllint --noout --nonet "$tmp/view"
	topology "${options[@]}" --explain all >"$tmp/view" 2>&1
	[ "$name" = many ] || same "$name.explain"
	topology "${options[@]}" --json --explain >"$tmp/$name.json" 2>&1
	json "$tmp/$name.json" '.ok and (.tiers | length > 0) and (.facts | type == "array")'
done
# All CXL devices in one socket: the memory is that socket's, though no nearer device sets it apart.
sed 's#mem0/numa_node = 0#mem0/numa_node = 1#' "$data/two-socket-expanders.tree" >"$tmp/one-socket.tree"
topology --sysroot "$tmp/one-socket.tree" >"$tmp/view"
check 'memory of devices in one socket is drawn there' no grep -q 'all CPUs' "$tmp/view"
check 'the JSON says so' test "$(topology --sysroot "$tmp/one-socket.tree" --json | jq -c '[.initiators[].near_to_far[].slot]')" = '[null,null,"other","other",null,null,"own","own"]'
# Of two devices one is nowhere: then it is not known where the memory of both hangs.
sed 's#region0/interleave_ways = 1#region0/interleave_ways = 2#; /region0\/target0/a sys/devices/platform/ACPI0017:00/root0/decoder0.0/region0/target1 = decoder9.0\\n' "$data/two-socket-expanders.tree" >"$tmp/half.tree"
check 'the made capture has the second target' grep -q 'target1 = decoder9.0' "$tmp/half.tree"
check 'half an attachment is none' no grep -q attached_to <(topology --sysroot "$tmp/half.tree" --explain 2)
check 'a whole one is' grep -q attached_to <(topology --sysroot "$data/two-socket-expanders.tree" --explain 2)

LC_ALL=C topology --sysroot "$data/two-socket-cxl.tree" >"$tmp/view"
same two-socket-cxl.ascii

# --explain of one node is that part of all.
topology --sysroot "$data/two-socket-cxl.tree" --explain 2 >"$tmp/view"
check "--explain 2 begins with node 2" sh -c 'head -n 1 "$1" | grep -q "^node 2 "' sh "$tmp/view"
check "--explain names the file" grep -q 'node2/access1/initiators/read_latency$' "$tmp/view"
topology --sysroot "$data/two-socket-cxl.tree" --explain all >"$tmp/all"
check "--explain all has what --explain 2 has" sh -c '[ "$(grep -cFxf "$1" "$2")" -ge "$(wc -l <"$1")" ]' sh "$tmp/view" "$tmp/all"
topology --sysroot "$data/two-socket-cxl.tree" --explain >"$tmp/view"
check "--explain alone is --explain all" cmp "$tmp/view" "$tmp/all"

# Colours on a terminal, unless NO_COLOR says no.
tty() { # ENVIRONMENT...: the picture as a terminal gets it
	env TERM=xterm "$@" script -qec "'$real/sluice' topology --sysroot '$data/dram-cxl.tree'" /dev/null </dev/null
}
tty X=1 >"$tmp/view"
check "colours on a terminal" grep -q $'\033\[' "$tmp/view"
tty NO_COLOR=1 >"$tmp/view"
check "no colours where NO_COLOR is set" no grep -q $'\033\[' "$tmp/view"
check "a picture where NO_COLOR is set" grep -q "node 1" "$tmp/view"

# hwloc reads the XML, and finds in it what --json says.
if command -v lstopo-no-graphics >/dev/null; then
	for name in "${!machines[@]}"; do
		mapfile -t options < <(of "$name")
		topology "${options[@]}" --xml >"$tmp/m.xml"
		lstopo-no-graphics --input "$tmp/m.xml" --of console >"$tmp/lstopo" 2>"$tmp/err"
		check "hwloc reads $name without a complaint" test ! -s "$tmp/err"
		[ "$(grep -o 'NUMANode.*P#[0-9]*' "$tmp/lstopo" | grep -o 'P#[0-9]*' | sort)" = \
			"$(jq -r '.nodes[].id | "P#\(.)"' "$tmp/$name.json" | sort)" ] ||
			{ echo "FAILED: hwloc sees other nodes in $name: $(cat "$tmp/lstopo")"; bad=1; }
		lstopo-no-graphics --input "$tmp/m.xml" --memattrs |
			awk '/attribute/ { name = $5 } / = .* from / && name == "`Latency\x27" { print $4 }' | sort >"$tmp/hwloc"
		jq -r '.initiators[].near_to_far[].read_latency_ns | select(. != null)' "$tmp/$name.json" | sort >"$tmp/ours"
		check "hwloc has the latencies of $name" cmp "$tmp/hwloc" "$tmp/ours"
	done
	check "there were latencies to compare" test -s "$tmp/ours"
else
	echo "lstopo-no-graphics is not installed (hwloc-nox or hwloc): what hwloc reads is not tested"
fi

# A capture is the same machine, here and of captures; it is written whole or not at all.
topology --json >"$tmp/live.json"
topology --capture "$tmp/here.tree" 2>"$tmp/err"
check "--capture says what it left out" grep -q "Left out: the machine's id" "$tmp/err"
topology --json --sysroot "$tmp/here.tree" >"$tmp/again.json"
# What is free, and of swap used, changes while we look.
stable='del(.. | .free_bytes?, .used_bytes?, .held_bytes?, .stored_bytes?, .detail?, .free_pages?)'
[ "$(jq -S "$stable" "$tmp/live.json")" = "$(jq -S "$stable" "$tmp/again.json")" ] ||
	{ echo "FAILED: a capture of this machine is another: $(diff "$tmp/live.json" "$tmp/again.json" | head -n 20)"; bad=1; }
for name in single dram-slow dram-cxl dram-pmem two-socket-cxl two-socket-expanders; do
	topology --sysroot "$data/$name.tree" --capture - >"$tmp/again.tree" 2>/dev/null
	topology --json --explain --sysroot "$tmp/again.tree" >"$tmp/again.json"
	check "a capture of the capture $name is the same" cmp "$tmp/$name.json" "$tmp/again.json"
done
check "no capture stays unpacked" sh -c '[ -z "$(ls -d "$1"/sluice-* 2>/dev/null)" ]' sh "$tmp"

# Refusals.
expect 2 "there is no node 7" topology --explain 7
expect 2 "--explain: 'x'" topology --explain x
expect 2 "--explain and --svg are two views" topology --explain 0 --svg
expect 2 "--svg and --json are two views" topology --svg --json
expect 2 "'--frob' is not understood" topology --frob
expect 2 "'word' is not understood" topology word
expect 2 "--capture needs a value" topology --capture
expect 2 "has no files to capture" topology --capture "$tmp/x" --synthetic dram:1G
expect 2 "description of a machine" topology --svg --synthetic nonsense
expect 1 "cannot write '$tmp/no/x'" topology --capture "$tmp/no/x"
expect 1 "cannot write" topology --capture "$tmp"
expect 2 "is not a capture" topology --sysroot "$real/sluice"
printf 'sys/a = b\n../etc/passwd = c\n' >"$tmp/bad.tree"
expect 2 "line 2" topology --sysroot "$tmp/bad.tree"
check "no refusal left a file" sh -c '[ -z "$(ls -d "$1"/x "$1"/*.?????? "$1"/sluice-* 2>/dev/null)" ]' sh "$tmp"
if [ -w /dev/full ]; then
	for view in "" --svg --xml "--explain all"; do
		"$real/sluice" topology $view >/dev/full 2>"$tmp/err"
		check "a full disk is told ($view)" test $? = 1
	done
fi

# Every member of the JSON, every option, is in the manual.
page=$source/deploy/man/sluice-topology.1
jq -r '[paths | .[] | strings] | unique[]' "$tmp"/{eight,dram-cxl,two-socket-cxl}.json | sort -u | while read -r key; do
	[ "$key" = ok ] || grep -qE "(^|[ (])$key( |\$)" "$page" || echo "FAILED: $key is not in sluice-topology.1"
done >"$tmp/missing"
check "the manual knows every member" test ! -s "$tmp/missing"
cat "$tmp/missing"
for option in explain svg xml capture nodes sysroot synthetic json; do
	check "the manual knows --$option" grep -q "Fl Fl $option" "$page"
	check "--help knows --$option" sh -c '"$1" topology --help | grep -q -- "--$2"' sh "$real/sluice" $option
done
exit $bad
