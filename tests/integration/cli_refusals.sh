#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Bad input to the real programs: a clear sentence, the documented exit status, nothing changed,
# and the command of `sluice run` not started.
. "$(dirname "$0")/cli_common.sh" "$@"
run=("$real/sluice" run --sysroot "$root" --state-dir "$state" --policy-dir "$policies")
touched=(touch "$tmp/started")

expect 2 "unknown verb 'frobnicate'" "$real/sluice" frobnicate
expect 2 "devices are listed of the machine itself" "$real/sluice" tier list --sysroot "$root"
expect 2 "unknown option '--frob'" "$real/sluice" --frob
expect 2 "no command" "${run[@]}"
expect 2 "'--frob' is not understood" "${run[@]}" --frob -- "${touched[@]}"
expect 2 "rate: '3parsec'" "${run[@]}" --rate 3parsec -- "${touched[@]}"
expect 2 "watermark: '80%' is out of range" "${run[@]}" --watermark 80% -- "${touched[@]}"
expect 2 "interval: '5'" "${run[@]}" --interval 5 -- "${touched[@]}"
expect 2 "--rate needs a value" "${run[@]}" --rate
expect 2 "--json-out needs a value" "${run[@]}" --json-out
expect 2 "policy-set: 'nonsense' is not KEY=VALUE" "${run[@]}" --policy-set nonsense -- "${touched[@]}"
expect 2 "no sampler 'nope'" "${run[@]}" --sampler nope -- "${touched[@]}"
expect 2 "no mover 'nope'" "${run[@]}" --mover nope -- "${touched[@]}"
check "what is for tests only is not offered" no grep -q fake "$tmp/err"
expect 6 "mover 'fake'" "${run[@]}" --mover fake --state-dir "$tmp/state6" -- "${touched[@]}"
expect 2 "state-dir: '/xxx" "${run[@]}" --state-dir "/$(printf 'x%.0s' {1..240})" -- "${touched[@]}"
expect 2 "has 241 bytes; 240 are allowed" "$real/sluice" restore --state-dir "/$(printf 'x%.0s' {1..240})"
expect 7 "no policy 'nope'" "${run[@]}" --policy nope -- "${touched[@]}"
expect 7 "nope" "${run[@]}" --policy-set nope=1 -- "${touched[@]}"

echo 'not a policy' >"$tmp/text.so"
expect 7 "$tmp/text.so" "${run[@]}" --policy "$tmp/text.so" -- "${touched[@]}"
cp "$policies/hotness.so" "$tmp/loose.so" && chmod 666 "$tmp/loose.so"
expect 7 "$tmp/loose.so" "${run[@]}" --policy "$tmp/loose.so" -- "${touched[@]}"

mkdir -m 777 "$tmp/open" && chmod 777 "$tmp/open"
expect 4 "belongs to somebody else, or others may write to it" "${run[@]}" --state-dir "$tmp/open" -- "${touched[@]}"
check "nothing was written there" test -z "$(ls -A "$tmp/open")"
mkdir -m 700 "$tmp/notes" "$tmp/notes/settings"
echo nonsense >"$tmp/notes/settings/proc!sys!kernel!numa_balancing"
expect 1 "is not a note of a kernel setting" "$real/sluice" restore --state-dir "$tmp/notes" --sysroot "$root"
printf 'sluice-setting 1\n/etc/passwd\nx\n1\n1\nunknown\n' >"$tmp/notes/settings/etc!passwd"
expect 1 "is not a note of a kernel setting" "$real/sluice" restore --state-dir "$tmp/notes" --sysroot "$root"
check "a note that is not one stays to be looked at" test -e "$tmp/notes/settings/etc!passwd"

single=("$real/sluice" run --sysroot "$tmp/single" --state-dir "$state" --policy-dir "$policies")
expect 5 "only one memory tier" "${single[@]}" -- "${touched[@]}"
expect 5 "The command was not started" "${single[@]}" -- "${touched[@]}"
check "no refused run started its command" test ! -e "$tmp/started"
check "no refused run made a state folder" test ! -e "$state"
expect 3 "untiered" "${single[@]}" --best-effort --json-out "$tmp/r.json" -- sh -c 'exit 3'
json "$tmp/r.json" '.exit_status == 3 and .tiered == false and (.error | test("one memory tier"))'
expect 127 "cannot run 'no-such-command'" "${single[@]}" --best-effort -- no-such-command
expect 126 "cannot run '/'" "${single[@]}" --best-effort -- /

expect 8 "no service answers" "$real/sluice" status --socket "$tmp/none.sock"
expect 8 "no service answers" "$real/sluice" attach 1 --socket "$tmp/none.sock"
expect 8 "no service answers" "$real/sluice" topology --socket "$tmp/none.sock"
expect 2 "--rate is an option of 'sluice run'" "$real/sluice" status --rate 1M
expect 3 "no process is named" "$real/sluice" attach no-such-name-here
cp "$(command -v sleep)" "$tmp/one-of-many"
for _ in $(seq 257); do "$tmp/one-of-many" 60 & pids+=($!); done
soon sh -c "pgrep -c -x one-of-many | grep -qx 257"
expect 1 "more than 256 processes are named 'one-of-many'" "$real/sluice" attach one-of-many
kill "${pids[@]}"
wait "${pids[@]}" 2>/dev/null
pids=()
expect 2 "usage: sluice attach [--follow] PID|NAME" "$real/sluice" attach
expect 2 "usage: sluice detach PID" "$real/sluice" detach
expect 2 "usage: sluice config show" "$real/sluice" config

expect 2 "usage: sluice tier list" "$real/sluice" tier
expect 2 "usage: sluice tier list" "$real/sluice" tier offline
expect 2 "'mem1' is not understood here" "$real/sluice" tier online mem0 mem1
expect 2 "--kernel tells how to bring memory online" "$real/sluice" tier offline --kernel mem0
if [ "$(id -u)" = 0 ]; then
	expect 2 "'disk0' is not the name of a memory device" "$real/sluice" tier online disk0 --state-dir "$state"
	expect 10 "this machine has no CXL memory device" "$real/sluice" tier online mem987654 --state-dir "$state"
	expect 10 "this machine has no dax device" "$real/sluice" tier offline dax98.7 --state-dir "$state"
	"$real/sluice" tier online --json mem987654 --state-dir "$state" >"$tmp/e.json" 2>/dev/null
	json "$tmp/e.json" '.ok == false and .error.exit == 10 and .error.errno == "ENODEV"'
	rm -rf "$state"
else
	expect 4 "needs root" "$real/sluice" tier online mem0 --state-dir "$state"
fi

"$real/sluice" --json status --socket "$tmp/none.sock" >"$tmp/e.json" 2>/dev/null
json "$tmp/e.json" '.ok == false and .error.exit == 8 and (.error.errno | startswith("E"))'

printf 'rate = 10M\n# fine\nwatermark = 4 parsecs\n' >"$tmp/bad.conf"
expect 2 "$tmp/bad.conf:3: watermark" "$real/sluiced" --config "$tmp/bad.conf"
expect 2 "$tmp/bad.conf:3: watermark" "$real/sluice" config show --config "$tmp/bad.conf"
printf 'frob = 1\n' >"$tmp/bad.conf"
expect 2 "$tmp/bad.conf:1: unknown key 'frob'" "$real/sluiced" --config "$tmp/bad.conf"
expect 2 "cannot read the configuration" "$real/sluiced" --config "$tmp/missing.conf"
expect 2 "unknown argument '--frob'" "$real/sluiced" --frob
expect 5 "only one memory tier" "$real/sluiced" --sysroot "$tmp/single" --state-dir "$state" \
	--policy-dir "$policies" --socket "$tmp/s.sock"
check "a service that cannot start leaves no socket" test ! -e "$tmp/s.sock"

# Read-only verbs need no service, and tell the truth about another machine's tree.
for verb in topology doctor policies "config show"; do
	"$real/sluice" --json $verb --sysroot "$root" --policy-dir "$policies" --state-dir "$state" >"$tmp/v.json" 2>/dev/null
	json "$tmp/v.json" '.ok == true'
done
"$real/sluice" --json topology --sysroot "$root" >"$tmp/v.json"
json "$tmp/v.json" '(.tiers | length) == 2 and .tiers[0].kind == "dram" and .nodes[1].total_bytes == 1073741824'
"$real/sluice" --json doctor --sysroot "$tmp/single" --policy-dir "$policies" >"$tmp/v.json"
check "doctor exits with 5 where there is one tier" test $? = 5
json "$tmp/v.json" '.works == false and .exit == 5 and (.checks | map(select(.check == "tiers" and .verdict == "no")) | length) == 1'
"$real/sluice" --json policies --policy-dir "$policies" >"$tmp/v.json"
json "$tmp/v.json" '.policies | map(.name) | index("hotness") and index("watermark") and index("skeleton")'
mkdir "$tmp/mixed" && cp "$policies/hotness.so" "$tmp/text.so" "$tmp/mixed/"
"$real/sluice" --json policies --policy-dir "$tmp/mixed" >"$tmp/v.json"
json "$tmp/v.json" '(.policies | length) == 2 and ([.policies[] | select(.problem != null)] | length) == 1'
"$real/sluice" --json config show --rate 1M --policy-set a=1 --policy-set a=2 >"$tmp/v.json"
json "$tmp/v.json" '.options | map(select(.key == "rate"))[0] | .values == ["1M"] and .from == "command line"'
json "$tmp/v.json" '.options | map(select(.key == "policy-set"))[0].values == ["a=2"]'
check "restore has nothing to do" "$real/sluice" restore --state-dir "$state" --sysroot "$root"
check "topology --help has no option of moving" sh -c '! "$1" topology --help | grep -q -e --rate' sh "$real/sluice"
check "help names every verb" sh -c '"$1" --help | grep -q topology' sh "$real/sluice"
check "version" sh -c '"$1" --version | grep -q "^sluice [0-9]"' sh "$real/sluice"
exit $bad
