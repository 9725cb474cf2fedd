#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every captured machine of the hwloc project's own tests: Sluice reads it, and agrees with hwloc on
# nodes, sizes, the latencies and bandwidths of firmware, kinds and tiers.
#
# The captures come from Debian's source package of hwloc, from the archive that this machine's apt is
# configured with, into the cache; or from a folder.
set -uo pipefail

self=$(basename "$0")
usage() {
	cat <<END
Usage: tests/integration/$self --build DIR [--trees FOLDER]

  --build DIR      where Sluice is built
  --trees FOLDER   a folder with *.tar.bz2 of captured machines, instead of fetching them
  --help           this text

Exit status: 0 all agree, 1 some do not, or none has figures of firmware to compare, 2 wrong usage, 77 the captures cannot be had, or Sluice was
built without libhwloc.
END
}
build='' trees=''
while [ $# -gt 0 ]; do
	case $1 in
	--build | --trees)
		[ $# -ge 2 ] || { echo "$self: $1 needs a value; see --help" >&2; exit 2; }
		if [ "$1" = --build ]; then build=$2; else trees=$2; fi
		shift
		;;
	--help | -h) usage; exit 0 ;;
	*) echo "$self: unknown argument '$1'; see --help" >&2; exit 2 ;;
	esac
	shift
done
[ -n "$build" ] || { echo "$self: --build is missing; see --help" >&2; exit 2; }
compare=$build/tests/hwloc_compare
[ -x "$compare" ] || { echo "$self: there is no $compare; is libhwloc-dev installed?" >&2; exit 77; }

tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
skip() { echo "$self: $*" >&2; exit 77; }

# An apt of our own, as in tests/vm/fetch: neither the machine's lists nor its sources change.
fetch() {
	local cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sluice}/hwloc
	local codename archive keyring='' options f

	mkdir -p "$cache" || skip "cannot create $cache; set SLUICE_CACHE to a folder of yours"
	trees=$cache/trees
	[ ! -e "$trees/complete" ] || return 0
	command -v apt-get >/dev/null || skip "this machine has no apt-get; give --trees FOLDER"
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	archive=$(apt-get indextargets --format '$(CREATED_BY)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)' \
		2>/dev/null | awk -F'|' -v c="$codename" \
		'$1 == "Packages" && $2 == "Debian" && $3 == c && $4 == "main" { print $5; exit }')
	[ -n "$archive" ] || skip "this machine's apt has no package lists of Debian '$codename', component" \
		"main; run apt-get update, or give --trees FOLDER"
	for f in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		if [ -e "$f" ]; then keyring="[signed-by=$f] "; break; fi
	done
	mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/archives/partial" "$tmp/source"
	: >"$tmp/apt/status"
	echo "deb-src $keyring$archive $codename main" >"$tmp/apt/sources.list"
	options=(-o "Dir::State::lists=$tmp/apt/lists" -o "Dir::Cache=$tmp/apt" -o "Dir::State::status=$tmp/apt/status"
		-o "Dir::Etc::sourcelist=$tmp/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
		-o Acquire::Languages=none -o APT::Sandbox::User=root -o Acquire::Retries=3)
	echo "$self: fetching the source package of hwloc into $cache" >&2
	apt-get "${options[@]}" update >"$tmp/log" 2>&1 &&
		(cd "$tmp/source" && apt-get "${options[@]}" source --download-only hwloc >>"$tmp/log" 2>&1) || {
		sed 's/^/    /' "$tmp/log" >&2
		skip "the source package could not be fetched (above is what apt said)"
	}
	mkdir "$tmp/unpacked" "$tmp/trees"
	tar -xf "$tmp"/source/hwloc_*.orig.tar.* -C "$tmp/unpacked" --wildcards '*/tests/hwloc/linux/*.tar.bz2' \
		'*/tests/hwloc/x86+linux/*.tar.bz2' || skip "the source package holds no captures"
	find "$tmp/unpacked" -name '*.tar.bz2' -exec mv -t "$tmp/trees" {} +
	: >"$tmp/trees/complete"
	rm -rf "$trees"
	mv "$tmp/trees" "$trees"
}
[ -n "$trees" ] || fetch

passed=0 failed=0 skipped=0 with_hmat=0 latencies=0 bandwidths=0
for archive in "$trees"/*.tar.bz2; do
	[ -e "$archive" ] || { echo "$self: there is no *.tar.bz2 in $trees" >&2; exit 1; }
	name=$(basename "$archive" .tar.bz2)
	rm -rf "$tmp/tree" && mkdir "$tmp/tree"
	tar -xjf "$archive" -C "$tmp/tree" 2>/dev/null || { echo "$name: tar cannot read it"; failed=$((failed + 1)); continue; }
	# The root is the folder that holds sys, or proc.
	root=$(find "$tmp/tree" -maxdepth 3 \( -name sys -o -name proc \) -type d -printf '%h\n' | sort | head -n 1)
	echo "$name:"
	# The program as people use it: an answer, or a sentence and a documented exit status.
	timeout 60 "$build/bin/sluice" topology --json --sysroot "$root" >"$tmp/out" 2>"$tmp/err"
	status=$?
	if [ $status -eq 0 ]; then
		jq -e '(.tiers | length) > 0' "$tmp/out" >/dev/null
	else
		[ $status -lt 20 ] && grep -q '^sluice: ' "$tmp/err"
	fi || { echo "  sluice topology: exit status $status: $(head -n 3 "$tmp/err")"; failed=$((failed + 1)); continue; }
	timeout 60 "$compare" "$root" >"$tmp/compared"
	status=$?
	cat "$tmp/compared"
	read -r of_latency of_bandwidth < <(sed -n 's/.* \([0-9]*\) of latencies, \([0-9]*\) of bandwidths$/\1 \2/p' "$tmp/compared"; echo 0 0)
	latencies=$((latencies + of_latency)) bandwidths=$((bandwidths + of_bandwidth))
	# The kernel shows in these folders what the HMAT says.
	if [ -n "$(find "$root" -path '*/access[01]/initiators/*' \( -name '*_latency' -o -name '*_bandwidth' \) -print -quit)" ]; then
		with_hmat=$((with_hmat + 1))
		if [ $((of_latency + of_bandwidth)) -eq 0 ]; then
			echo "  differs: there are figures of an HMAT, and none was compared"
			status=1
		fi
	fi
	case $status in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
done
echo "$self: $passed agree, $failed differ, $skipped that hwloc itself cannot read"
echo "$self: $with_hmat trees have an HMAT; $latencies latencies and $bandwidths bandwidths of it are the same as hwloc's"
[ $failed -eq 0 ] && [ $passed -gt 0 ] && [ $with_hmat -gt 0 ] && [ $latencies -gt 0 ] && [ $bandwidths -gt 0 ]
