# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the test_*.sh share outside of the guest (sourced without arguments, so that it takes
# "--build DIR" off theirs; not a test): a folder of their own, $tmp, and running a script of it.
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
build=$here/../../build
if [ "${1:-}" = --build ]; then build=$2; shift 2; fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs $tmp/SCRIPT in a guest, beside test_inside.sh. Its status is the script's, and 1 when the
# kernel complained.
in_guest() { # SCRIPT [GUEST-OPTION]... [-- ARGUMENT...]
	local script=$1 options=() status
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	"$here/guest" --build "$build" --add "$here/test_inside.sh" --add "$tmp/$script" "${options[@]}" \
		-- sh "/root/$script" "$@" 2>"$tmp/err"
	status=$?
	cat "$tmp/err" >&2
	! grep -qa 'kernel complained' "$tmp/err" || status=1
	return $status
}

# Runs $tmp/PART.sh for each PART, with the options that `part_options PART` puts into $options.
in_guests() { # PART...
	local part options failures=0
	for part; do
		[ -e "$tmp/$part.sh" ] || { echo "$0: there is no part '$part'" >&2; return 2; }
		part_options "$part"
		echo "== $part"
		in_guest "$part.sh" "${options[@]}" || failures=$((failures + 1))
	done
	echo "$(($# - failures)) of $# parts passed"
	[ $failures = 0 ]
}
