#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# --help: fits a terminal, names every verb once, and every verb has a page of its own and is in the
# manual.
. "$(dirname "$0")/cli_common.sh" "$@"
manual=$(dirname "$0")/../../deploy/man/sluice.1

expect 0 "" "$real/sluice" --help
cp "$tmp/out" "$tmp/help"
check "no line is longer than 80 columns" no grep -qE '.{81}' "$tmp/help"
verbs=$(sed -n '/^The machine:/,/^Options/s/^  \([a-z]*\) .*/\1/p' "$tmp/help")
check "there are all verbs: $verbs" test "$(wc -w <<<"$verbs")" -ge 16
check "none stands there twice" test -z "$(tr ' ' '\n' <<<"$verbs" | sort | uniq -d)"
for verb in $verbs; do
	expect 0 "" "$real/sluice" "$verb" --help
	check "$verb: how it is used" grep -q "^Usage: sluice $verb" "$tmp/out"
	check "$verb: its options" grep -q '^  --json' "$tmp/out"
	check "$verb is in the manual" grep -qE "^\.(It )?Cm (.* )?$verb( |\$)" "$manual"
done
expect 0 "" "$real/sluice" trace --help
check "each form of a verb has a line" grep -q '^       sluice trace cut FILE -o NEW$' "$tmp/out"
expect 0 "" "$real/sluice" topology --help
check "what stands in brackets is one form" grep -q '^Usage: sluice topology .* | --svg | ' "$tmp/out"
exit $bad
