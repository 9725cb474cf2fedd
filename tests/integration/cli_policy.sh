#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sluice policy: list, check (good policies pass, each kind of bad one is told), and explain; and the
# tutorial of policies/README.md, command by command.
. "$(dirname "$0")/cli_common.sh" "$@"
build=$(dirname "$policies")
repo=$(cd "$(dirname "$0")/../.." && pwd)
policy() { "$real/sluice" policy "$@"; }

# list is the old verb.
policy list --policy-dir "$policies" --json >"$tmp/new.json"
"$real/sluice" policies --policy-dir "$policies" --json >"$tmp/old.json"
check "list and policies are the same" cmp "$tmp/new.json" "$tmp/old.json"
json "$tmp/new.json" '.policies | map(.name) | index("hotness") and index("watermark")'
for words in "" "nonsense" "list x" "list --quick" "check" "check a b" "explain" "explain 1 2 3"; do
	# shellcheck disable=SC2086
	expect 2 "sluice policy" policy $words
done
expect 2 "is no process and address" policy explain hotness 0x1000
expect 2 "is no process and address" policy explain 12 0x10zz

# check: all that we ship passes without a failure.
for name in auto hotness watermark skeleton; do
	expect 0 "" policy check $name --quick --policy-dir "$policies" --json
	json "$tmp/out" ".ok and .passed and .name == \"$name\" and .failed == 0 and .abi == 1"
	json "$tmp/out" '[.checks[] | select(.check == "determinism" or .check == "growth") | .verdict] == ["ok", "ok"]'
	json "$tmp/out" '.decide_ms | length == 3 and all(.best_ms > 0) and .[2].bytes == 1099511627776'
done
expect 7 "there is no policy 'nope'" policy check nope --policy-dir "$policies"
expect 7 "there is no policy file" policy check "$tmp/nope.so"
expect 7 "" policy check "$build/policies-bad/no-decide.so" --json
json "$tmp/out" '.ok and (.passed | not) and .name == null and .failed == 1'
json "$tmp/out" ".checks[-1].verdict == \"failed\" and (.checks[-1].detail | contains(\"'decide'\"))"
echo "no policy" >"$tmp/text.so"
expect 7 "" policy check "$tmp/text.so"
check "the file is refused" grep -q 'failed *file .*not a shared object' "$tmp/out"

misbehaving() { # HOW CHECK TEXT: this check fails with this text
	expect 7 "" policy check "$build/policies-test/misbehave.so" --quick --json \
		--policy-timeout 50ms --policy-set how="$1"
	json "$tmp/out" "[.checks[] | select(.check == \"$2\" and .verdict == \"failed\") | .detail | contains(\"$3\")] == [true]"
}
misbehaving null empty "null pointer"
misbehaving view mixed "wrote to the view"
misbehaving loop full "within 50 ms"
misbehaving fork mixed "system call"
misbehaving open "one tier" "'openat'"
misbehaving exit shortage "exit status 3"
misbehaving nan mixed "nan"
misbehaving init-crash init "null pointer"
misbehaving init-loop init "has not come to an end"
check "no process of a policy is left" no pgrep -P $$ -x sluice-policy

# A running service is asked for pages, and only for those of its targets.
sock=$tmp/s.sock
"$fake/sluiced" --sysroot "$root" --state-dir "$state" --policy-dir "$policies" --socket "$sock" &
pids+=($!)
check "the service comes up" soon test -S "$sock"
sleep 60 &
target=$!
pids+=($target)
ask() { "$fake/sluice" --socket "$sock" policy explain "$@"; }
expect 3 "not attached" ask $target 0x10000000
expect 0 "" "$fake/sluice" --socket "$sock" attach $target
expect 0 "" ask $target 0x10001000
check "the page is named" grep -q "^0x10001000 of process $target is in tier 1 (cxl)" "$tmp/out"
check "the reason is told" grep -q 'why .*would not pay back twice' "$tmp/out"
check "and the decision" grep -q '10 s ago  tier 1 to 0 .*refused for payback' "$tmp/out"
expect 0 "" ask $target 268439552 --json
json "$tmp/out" '.ok and .address == "0x10001000" and .tier == 1 and .region.address == "0x10000000" and .heat == 12'
json "$tmp/out" '.hotter_bytes == 629145600 and .decisions[0].refused == ["payback"] and .moved_ms == null and (.why | length) > 20'
expect 1 "nothing is there" ask $target 0
expect 8 "no service answers" "$real/sluice" --socket "$tmp/none" policy explain $target 0x10000000
expect 0 "" ask hotness
check "its parameters are told" grep -q 'band = 1.2 (its default)' "$tmp/out"
check "it does not run there" grep -q 'it does not run now' "$tmp/out"
expect 7 "there is no policy 'nope'" ask nope
expect 0 "" ask watermark --json
json "$tmp/out" '.ok and .policy.name == "watermark" and .running == false and .process == null'

# The tutorial works as written: its commands, in their order, in a new folder.
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$repo/policies/README.md" >"$tmp/tutorial.sh"
check "the tutorial has commands" test "$(wc -l <"$tmp/tutorial.sh")" -gt 5
mkdir "$tmp/tutorial"
(cd "$tmp/tutorial" && PATH=$real:$PATH SLUICE=$repo bash -euxo pipefail "$tmp/tutorial.sh") >"$tmp/tutorial.log" 2>&1
got=$?
[ $got -eq 0 ] || { echo "FAILED: the tutorial ends with $got: $(tail -n 20 "$tmp/tutorial.log")"; bad=1; }
check "its policy passes" grep -q '^passed: 0 failed' "$tmp/tutorial.log"
# The skeleton's one, which the tutorial tells of; a busy machine may have others of time.
check "without a warning" test "$(grep '^warning' "$tmp/tutorial.log" | grep -vc '^warning *time')" = 1
check "it crashes where it says" grep -q 'decide() crashed: it followed a null pointer' "$tmp/tutorial.log"
exit $bad
