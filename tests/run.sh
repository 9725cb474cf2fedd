#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Sluice and passes its tests, from a clean clone: one command, all the set-up included.
set -euo pipefail

self=tests/run.sh
repo=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)

usage() {
	cat <<END
Usage: $self [OPTION]...

Installs what is missing (deploy/setup.sh), configures and builds with warnings as errors, checks the
format, runs the tests labelled unit, integration and vm, and unit and integration once more under
the address and undefined-behaviour sanitizers, with some seconds of fuzzing for each parser. Tests labelled "long" run only when asked for.

  --label L       only tests with this label: unit, integration, vm, fuzz, bench, long; may be
                  given several times; without the sanitizers' second run and the format check
  --sanitize S    only unit and integration, under these sanitizers: address,undefined or thread
                  (--label L picks others)
  --build DIR     build there (default: build in the repository); sanitizers in a folder below it
  --jobs N        build and run with N processes (default: one a CPU)
  --help          this text

The last line is "N passed, N failed, N skipped", counting ctest's tests of all runs together.
Exit status: 0 all passed, 1 a step or a test failed or no test ran, 2 wrong usage, 3 packages are
missing and we may not install them (the line to run as root is printed).
END
}

build=$repo/build labels=() sanitize='' jobs=$(nproc)
while [ $# -gt 0 ]; do
	case $1 in
	--label | --sanitize | --build | --jobs)
		[ $# -ge 2 ] || { echo "$self: $1 needs a value; see --help" >&2; exit 2; }
		case $1 in
		--label) labels+=("$2") ;;
		--sanitize) sanitize=$2 ;;
		--build) build=$(realpath -m "$2") ;;
		--jobs) jobs=$2 ;;
		esac
		shift
		;;
	--help | -h) usage; exit 0 ;;
	*) echo "$self: unknown argument '$1'; see --help" >&2; exit 2 ;;
	esac
	shift
done
case $sanitize in
'' | address | undefined | address,undefined | thread) ;;
*) echo "$self: --sanitize: '$sanitize' is none of address,undefined and thread" >&2; exit 2 ;;
esac
[[ $jobs =~ ^[1-9][0-9]*$ ]] || { echo "$self: --jobs: '$jobs' is not a number from 1 on" >&2; exit 2; }

started=$SECONDS passed=0 failed=0 skipped=0 broken=0 said=''
step() { printf '== %s (%d s)\n' "$*" $((SECONDS - started)); }
finish() { # the verdict, as the last line
	local status=0
	[ $failed -eq 0 ] && [ $broken -eq 0 ] || status=1
	if [ $((passed + failed)) -eq 0 ]; then
		echo "$self: no test ran" >&2
		status=1
	fi
	if [ -n "$said" ]; then
		step "what the failed tests said"
		printf '%s' "$said"
	fi
	step "done"
	echo "$passed passed, $failed failed, $skipped skipped"
	exit $status
}
stop() { # SENTENCE: a step that the rest needs went wrong
	echo "$self: $*" >&2
	broken=1
	finish
}

make_build() { # DIR [SANITIZERS]; asserts stay in
	cmake -S "$repo" -B "$1" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DCMAKE_C_FLAGS_RELWITHDEBINFO="-O2 -g" \
		-DSLUICE_WERROR=ON -DSLUICE_TESTS=ON -DSLUICE_SANITIZE="${2:-}" >/dev/null || stop "configuring failed (see above)"
	cmake --build "$1" -- -j "$jobs" || stop "building failed (see above)"
}

# Runs the tests of a build and adds them up from ctest's own record.
run_tests() { # DIR PROCESSES CTEST-ARGUMENT...
	local dir=$1 processes=$2 record status=0 n
	shift 2
	record=$dir/ctest.xml
	rm -f "$record"
	ctest --test-dir "$dir" --output-on-failure --no-tests=ignore -j "$processes" \
		--output-junit "$record" "$@" </dev/null || status=$?
	[ -e "$record" ] || { [ $status -eq 0 ] && return; stop "ctest left no record (status $status)"; }
	counted() { grep -cE "$1" "$record" || true; }
	n=$(counted '<testcase .*status="run"') && passed=$((passed + n))
	n=$(counted '<skipped message="SKIP_|status="disabled"') && skipped=$((skipped + n))
	# What could not be started at all is "notrun" too, and a failure.
	n=$(($(counted 'status="(fail|notrun)"') - $(counted '<skipped message="SKIP_'))) && failed=$((failed + n))
	if [ $status -ne 0 ] && [ $n -eq 0 ]; then broken=1; fi
	[ $n -eq 0 ] || said+=$(failures "$record")$'\n'
}
# Of each failed test the lines that say why, or its last ones: in a long record they are far apart.
failures() { # JUNIT-RECORD
	awk '
		/<testcase / {
			match($0, /name="[^"]*"/)
			name = substr($0, RSTART + 6, RLENGTH - 7)
			bad = /status="(fail|notrun)"/
			n = why = 0
			next
		}
		/<skipped message="SKIP_/ { bad = 0 }
		/<\/testcase>/ {
			for (i = n < 8 ? 0 : n - 8; bad && !why && i < n; i++) print name ": " line[i % 8]
			bad = 0
		}
		bad {
			gsub(/<[^>]*>/, ""); gsub(/&lt;/, "<"); gsub(/&gt;/, ">"); gsub(/&quot;/, "\""); gsub(/&amp;/, "\\&")
			if ($0 ~ /[^ \t]/) line[n++ % 8] = $0
			if (/NOT OK|ERROR:|FAILED|runtime error|kernel complained/ && why++ < 20) print name ": " $0
		}
	' "$1"
}
one_of() { # LABEL...: the expression for ctest
	local IFS='|'
	echo "^($*)\$"
}
# Sanitizers go on by default; a finding must fail the test.
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export CTEST_PARALLEL_LEVEL=''

sanitized() { # SANITIZERS LABEL...
	local dir=$build/sanitize-${1//,/-}
	step "building with the sanitizers $1"
	make_build "$dir" "$1"
	step "testing with the sanitizers $1: ${*:2}"
	run_tests "$dir" "$jobs" -L "$(one_of "${@:2}")" -LE '^long$'
}

step "looking for what the build needs"
"$repo/deploy/setup.sh" || exit $?

if [ -n "$sanitize" ]; then
	[ ${#labels[@]} -gt 0 ] || labels=(unit integration)
	sanitized "$sanitize" "${labels[@]}"
	finish
fi

step "building in $build"
make_build "$build"

if [ ${#labels[@]} -gt 0 ]; then
	step "testing: ${labels[*]}"
	exclude=(-LE '^long$')
	case " ${labels[*]} " in *' long '*) exclude=() ;; esac
	run_tests "$build" 1 -L "$(one_of "${labels[@]}")" "${exclude[@]}"
	finish
fi

step "checking the format"
cmake --build "$build" --target format-check || broken=1
step "testing: unit, integration"
run_tests "$build" "$jobs" -L "$(one_of unit integration)" -LE '^(vm|long)$'
sanitized address,undefined unit integration fuzz
# Guests are tested one at a time: each keeps all CPUs busy.
step "testing in guests: vm"
run_tests "$build" 1 -L '^vm$' -LE '^long$'
finish
