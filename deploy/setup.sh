#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building, testing and the demo need and this machine does not have yet. The table
# below is the one place that lists it. Quick, and asks nothing of apt, when nothing is missing.
set -euo pipefail

self=deploy/setup.sh

usage() {
	cat <<END
Usage: $self [--check | --list]

Installs by apt what Sluice's build, tests and demo need and is not there yet. As root, or by sudo;
otherwise it prints the one line to run. Debian 12 and 13.

  --check   only say what is missing
  --list    print all packages, one a line
  --help    this text

Exit status: 0 everything is there (now), 1 installing failed, 2 wrong usage, 3 something is missing
and we may not install it (the line to run as root is printed), or --check found something missing.
END
}

# What is looked for, and the Debian package that brings it. cmd: a program; cmake: a recent enough
# one; lib: what pkg-config must know; file: a file. The names are the same in Debian 12 and 13.
needs() {
	cat <<END
cmd:cc               gcc
cmd:c++              g++
file:/usr/include/stdio.h libc6-dev
cmake:3.25           cmake
cmd:ninja            ninja-build
cmd:pkg-config       pkgconf
lib:numa             libnuma-dev
lib:jansson          libjansson-dev
lib:inih             libinih-dev
lib:ncursesw         libncurses-dev
lib:libsystemd       libsystemd-dev
lib:libudev          libudev-dev
lib:libcxl           libcxl-dev
lib:libdaxctl        libdaxctl-dev
lib:libndctl         libndctl-dev
lib:libkmod          libkmod-dev
file:/usr/include/perfmon/pfmlib.h libpfm4-dev
lib:libseccomp       libseccomp-dev
lib:libzstd          libzstd-dev
lib:zlib             zlib1g-dev
lib:cmocka           libcmocka-dev
file:/usr/include/glpk.h libglpk-dev
lib:hwloc            libhwloc-dev
cmd:jq               jq
cmd:xmllint          libxml2-utils
cmd:lstopo-no-graphics hwloc-nox
cmd:perl             perl-base
cmd:flock            util-linux
cmd:setpriv          util-linux
cmd:pgrep            procps
END
}

has() { # WHAT: is it there?
	local name=${1#*:} version
	case $1 in
	cmd:*) command -v "$name" >/dev/null ;;
	file:*) [ -e "$name" ] ;;
	lib:*) command -v pkg-config >/dev/null && pkg-config --exists "$name" ;;
	cmake:*)
		version=$(cmake --version 2>/dev/null | sed -n '1s/.* //p') &&
			[ "$(printf '%s\n' "$name" "${version:-0}" | sort -V | head -n 1)" = "$name" ]
		;;
	esac
}

missing_packages() {
	local what package
	while read -r what package; do
		has "$what" || echo "$package"
	done < <(needs) | sort -u
}

action=install
case "${1:-}" in
'') ;;
--check) action=check ;;
--list) needs | awk '{ print $2 }' | sort -u; exit 0 ;;
--help | -h) usage; exit 0 ;;
*) echo "$self: unknown argument '$1'; see --help" >&2; exit 2 ;;
esac

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -eq 0 ]; then
	[ $action = install ] || echo "$self: nothing is missing"
	exit 0
fi
if [ $action = check ]; then
	echo "$self: missing: ${missing[*]}"
	exit 3
fi

cannot() {
	echo "$self: $*" >&2
	echo "Run this line as root, then start again:" >&2
	echo "    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
	exit 3
}
command -v apt-get >/dev/null || {
	echo "$self: this machine has no apt-get; Debian 12 or 13 is needed. Missing: ${missing[*]}" >&2
	exit 3
}
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || cannot "not root, and there is no sudo"
	as_root=(sudo)
	# Without a terminal there is nobody to ask for a password.
	[ -t 0 ] || as_root=(sudo -n)
	"${as_root[@]}" true || cannot "sudo does not let us"
fi

log=$(mktemp "${TMPDIR:-/tmp}/sluice-setup.XXXXXX")
trap 'rm -f "$log"' EXIT
apt() { # ARG...: apt-get with its output in the log; what it unpacks and sets up is shown
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null 2>&1 | tee -a "$log" |
		awk '/^Need to get/ || /^Setting up/ { print "  " $0; fflush() }'
}
echo "$self: installing ${missing[*]}"
# A list that cannot be read matters only when a package then is not found.
apt update || echo "$self: some package lists could not be read; going on with those that could" >&2
if ! apt install --no-install-recommends "${missing[@]}"; then
	sed 's/^/    /' "$log" | tail -n 30 >&2
	echo "$self: apt-get could not install ${missing[*]} (above is the end of what it said)" >&2
	exit 1
fi
hash -r
mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
	echo "$self: apt-get installed what was asked for, yet these are not as needed: ${missing[*]}" >&2
	exit 1
fi
