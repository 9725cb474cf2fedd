#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job, from a clean clone: a running program's hot memory climbs into fast memory, seen live,
# with a report at the end. Installs what is missing, builds, fetches a guest, boots it, shows.
set -uo pipefail

self=deploy/demo.sh
repo=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
here_dir=$repo/deploy/demo

usage() {
	cat <<END
Usage: $self [OPTION]...

Boots a guest with a CXL memory device, starts a program there whose hot memory lies on it, then
starts Sluice, and shows each second which share of the program's accesses fast memory serves and how
fast the program runs. Ends with a table, a report with pictures and result.json.

  --shape SHAPE  the guest's machine, one of tests/vm/shapes (default: dram-cxl)
  --here         no guest: this machine's own tiers (as root, or what your rights allow)
  --out DIR      where report.html, result.json and lines.jsonl (all that was measured, a line each)
                 go (default: demo-result)
  --before S     seconds without Sluice (default: 10)
  --after S      seconds with it (default: 30)
  --size SIZE, --hot SIZE, --start-on NODE
                 hotset's memory, its hot part, and the node that all of it starts on (default: what
                 fits the shape)
  --build DIR    build there (default: build in the repository)
  --help         this text

Exit status: 0 shown, and the program ran faster with Sluice; 1 something failed, or it did not run
faster; 2 wrong usage; 3 packages are missing and we may not install them (the line to run as root is
printed); 5 the machine has no second tier; 130 ended by Ctrl-C.
END
}

shape=dram-cxl here=0 out=$PWD/demo-result build=$repo/build before=10 after=30
size='' hot='' start_on='' command_line="$self $*"
wrong() { echo "$self: $*; see --help" >&2; exit 2; }
while [ $# -gt 0 ]; do
	case $1 in
	--shape | --out | --before | --after | --size | --hot | --start-on | --build)
		[ $# -ge 2 ] || wrong "$1 needs a value"
		case $1 in
		--shape) shape=$2 ;;
		--out) out=$(realpath -m "$2") ;;
		--before) before=$2 ;;
		--after) after=$2 ;;
		--size) size=$2 ;;
		--hot) hot=$2 ;;
		--start-on) start_on=$2 ;;
		--build) build=$(realpath -m "$2") ;;
		esac
		shift
		;;
	--here) here=1 ;;
	--help | -h) usage; exit 0 ;;
	*) wrong "unknown argument '$1'" ;;
	esac
	shift
done
for seconds in "$before" "$after"; do
	[[ $seconds =~ ^0*([3-9]|[1-9][0-9]{1,4})$ ]] || wrong "--before and --after are whole seconds, 3 or more"
done
if [ $here = 0 ] && [[ $shape != */* ]] && [ ! -e "$repo/tests/vm/shapes/$shape" ]; then
	wrong "there is no shape '$shape' among: $(cd "$repo/tests/vm/shapes" && echo *)"
fi

started=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }
die() { echo "$self: $*" >&2; exit 1; }

step "Looking for what is needed"
"$repo/deploy/setup.sh" || exit $?

step "Building in $build"
cmake -S "$repo" -B "$build" -G Ninja --log-level=WARNING -DSLUICE_TESTS=ON >/dev/null ||
	die "configuring failed (see above)"
cmake --build "$build" --target sluice sluiced hotset sluice-report policies/all tests/vm/all ||
	die "building failed (see above)"

# ---- Where, and with how much memory. -----------------------------------------------------------
if [ $here = 1 ]; then
	shape=''
	step "This machine's tiers"
	topology=$("$build/bin/sluice" topology --json) || exit 1
	[ "$(jq '.tiers | length' <<<"$topology")" -ge 2 ] || {
		echo "$self: this machine has one tier of memory only ($(jq -r '.tiers[0].kind' <<<"$topology")), so there is" \
			"nothing to move between; without --here the demo boots a guest that has two" >&2
		exit 5
	}
	# At most 4 GiB, an eighth of what is free in the slow tier; its hot quarter must fit twice
	# into what is free in the fast one.
	[ -n "$start_on" ] || start_on=$(jq -r '.tiers[1].nodes[0]' <<<"$topology")
	mib=$(jq --argjson n "$start_on" '([.nodes[] | select(.id == $n) | .free_bytes / 8] + [.tiers[0].free_bytes * 2, 4294967296])
		| min / 1048576 | floor' <<<"$topology")
	[ "$mib" -ge 64 ] || [ -n "$size" ] || die "node $start_on or the fast tier has too little free memory for the demo"
	: "${size:=${mib}M}" "${hot:=$((mib / 4))M}"
else
	step "Fetching the guest's kernel and QEMU, unless they are there"
	"$repo/tests/vm/fetch" || die "the guest could not be fetched (see above)"
	case ${shape##*/} in
	# QEMU serves a CXL device's memory so slowly that tens of MiB are plenty.
	dram-cxl) : "${size:=40M}" "${hot:=20M}" "${start_on:=1}" ;;
	two-socket-cxl) : "${size:=300M}" "${hot:=100M}" "${start_on:=2}" ;;
	# More than fast memory holds; what is touched last, the hot part, lies in the slow node.
	*) : "${size:=700M}" "${hot:=100M}" ;;
	esac
fi
workload=(--size "$size" --hot "$hot")
[ -z "$start_on" ] || workload+=(--start-on "$start_on")

# ---- The run. -----------------------------------------------------------------------------------
mkdir -p "$out" && : >"$out/lines.jsonl" || die "cannot write into the folder $out"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX") || die "cannot make a folder in ${TMPDIR:-/tmp}"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
: >"$tmp/truth"

run_inside() {
	if [ $here = 1 ]; then
		PATH=$build/bin:$PATH sh "$here_dir/inside.sh" "$before" "$after" "${workload[@]}"
	else
		"$repo/tests/vm/guest" --shape "$shape" --build "$build" --truth "$tmp/truth" \
			--timeout $((before + after + 120)) --add "$here_dir/inside.sh:/root/inside.sh" \
			-- sh /root/inside.sh "$before" "$after" "${workload[@]}"
	fi
}
# Lays beside each second of the program what was counted from outside since the second before.
join_truth() {
	local line counted part='' truth fd
	exec {fd}<"$tmp/truth"
	while IFS= read -r line; do
		truth=''
		case $line in
		'{'*'"phase":'*)
			while IFS= read -r counted <&"$fd" || { part+=$counted; false; }; do
				truth+=${truth:+,}$part$counted
				part=''
			done
			;;
		'{'*) ;;
		*) echo "$line" >&2; continue ;;
		esac
		printf '{"truth":[%s],"line":%s}\n' "$truth" "$line"
	done
}
full='#' empty='.'
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in *UTF-8 | *utf8) full='█' empty='░' ;; esac

if [ $here = 1 ]; then step "hotset ${workload[*]}, for $before s without and $after s with Sluice"
else step "Guest $shape: hotset ${workload[*]}, for $before s without and $after s with Sluice"; fi
run_inside | join_truth | tee "$out/lines.jsonl" |
	jq -n -r --unbuffered -L "$here_dir" --arg full "$full" --arg empty "$empty" -f "$here_dir/show.jq"
status=${PIPESTATUS[0]}
[ "$status" = 0 ] || { echo "$self: the run ended with status $status (see above)" >&2; exit "$([ "$status" = 5 ] && echo 5 || echo 1)"; }

# ---- What came of it. ---------------------------------------------------------------------------
jq -n -L "$here_dir" --arg shape "${shape##*/}" --arg workload "hotset ${workload[*]}" --arg command "$command_line" \
	-f "$here_dir/result.jq" "$out/lines.jsonl" >"$tmp/result.json" || die "the run's lines could not be evaluated"
"$build/bin/sluice-report" --out "$out/report.html" "$tmp/result.json" || die "the report could not be written"
mv "$tmp/result.json" "$out/result.json" || die "cannot write $out/result.json"

step "Before and after"
jq -r -L "$here_dir" 'include "common";
	def cell($unit): if type == "object" then .unit as $u | .value | cell($u)
		elif type == "string" then . elif . == null then "unknown"
		elif $unit == "share" or $unit == "cpu" then percent_text
		elif $unit == "per_s" then speed_text elif $unit == "bytes" then bytes_text
		else "\(digits)x" end;
	.tables[0] | ([""] + .columns), (.rows[] | [.name] + (.unit as $u | .values | map(cell($u))))
	| "  \(.[0] + (34 - (.[0] | length)) * " ")\(.[1] | right(12))\(.[2] | right(14))\(.[3] | right(10))"' "$out/result.json"
[ -z "$shape" ] || echo "  (emulated hardware: compare within this run only)"
echo
echo "  report:  $out/report.html"
echo "  figures: $out/result.json"
jq -e '.measured.gain != null and .measured.gain > 1.1' "$out/result.json" >/dev/null || {
	echo "$self: the program did not run faster with Sluice than before" >&2
	exit 1
}
