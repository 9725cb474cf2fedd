# SPDX-License-Identifier: Apache-2.0
#
# From what a run printed to rows of the table. A run's file comes as an array of its JSON values, an
# empty one when the run left none: then what it should tell is null, and its rows are not met.

def mean: if length == 0 or any(. == null) then null else add / length end;
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else $a / $b end;
# Of several programs the worst; null when one of them has none.
def worst(f): if length == 0 or any(f == null) then null else map(f) end;

# hotset's lines: the summary, and the access phase. Times of the guest's monotonic clock.
def summary: first(.[] | select(.summary == true)) // null;
def access: map(select(.phase == "access"));
def started_s: first(.[] | select(.phase != null)) // null | if . then .mono_s - .t_s else null end;
# The last third of the access phase, as [from, to].
def last_third: access | if length < 3 then null else [last.mono_s - last.t_s / 3, last.mono_s] end;
def within($window; f): map(select($window != null and (f) >= $window[0] and (f) <= $window[1]));

def moved_bytes: first | .summary | if . then .promoted_bytes + .demoted_bytes else null end;
def round3: if . == null then null else . * 1000 | round / 1000 end;

# One promise. $op: ">=", "<=" or "=". $measured null: the run did not tell, which is not met.
def row($name; $what; $measured; $op; $target; $unit; $note):
	{name: $name, what: $what, measured: ($measured | if type == "number" then . * 1e6 | round / 1e6 else . end), op: $op, target: $target, unit: $unit,
	 met: ($measured != null and (if $op == ">=" then $measured >= $target
		elif $op == "<=" then $measured <= $target else $measured == $target end)),
	 note: $note, emulated: true};

# ---- The promises. ------------------------------------------------------------------------------
# $run: sluice run's document; $programs: the lines of each hotset in it.
def rows_hotset($name; $run; $programs; $minute_s):
	($programs | map(summary)) as $s
	| ($s | worst(.reached_98_s) | if . then max else null end) as $reached
	| ($s | worst(.min_after_98) | if . then min else null end) as $least
	| (if $reached == null then null else $s | map(.access_s - .reached_98_s) | min end) as $kept_s
	| ($s | worst(.hot_bytes) | if . then add else null end) as $hot
	| ($s | worst(.hot_fast_share) | if . then min else null end) as $last
	| ($run | first | .summary) as $sum
	| row($name; "98 % of the hot set in fast memory"; $reached; "<="; 10; "s";
		"after the access phase began; at the end \($last | round3)"),
	  row($name; "and kept there for \($minute_s) s: least share";
		(if $kept_s == null or $kept_s < $minute_s then null else $least end); ">="; 0.98; "share";
		"\($kept_s | round3) s since it was reached"),
	  row($name; "moved in all, beside the hot set's size"; ratio($run | moved_bytes; $hot); "<="; 3; "times";
		"\($sum.promoted_bytes) bytes up, \($sum.demoted_bytes) down"),
	  row($name; "CPU in the steady state"; $sum.cpu_percent_steady; "<="; 10; "%";
		"of one CPU; besides, taken from the program in all: \($sum.target_cost_s | round3) s");

# Accesses a second in one turn, less its first half second: a line is about the time since the one
# before.
def turn_speed($lines; $turns; $n):
	($lines | access) as $a
	| (($a[1].mono_s // 0) - ($a[0].mono_s // 0)) as $every
	| $a | map(select(.mono_s > $turns[$n].mono_s + 0.5 + $every and .mono_s < $turns[$n + 1].mono_s) | .accesses_per_s) | mean;
# Each turn without Sluice is compared with the turns with it before and after.
def turn_ratios($lines; $turns):
	[range(1; $turns | length) | select($turns[.].with == false)
		| turn_speed($lines; $turns; .) as $without
		| [. - 1, . + 1] | map(turn_speed($lines; $turns; .) | values) | mean
		| {without: $without, ratio: ratio(.; $without)}];
def row_turns($name; $what; $target; $lines; $turns):
	turn_ratios($lines; $turns) as $pairs
	| ($pairs | map(.ratio) | if any(. == null) then null else median end) as $ratio
	| row($name; $what; $ratio; ">="; $target; "ratio";
		"median of turns \($pairs | map(.ratio | round3)); accesses/s without \($pairs | map(.without | if . then round else . end))");
def row_speed($lines; $turns): row_turns("speed"; "speed, beside wholly in fast memory"; 0.93; $lines; $turns);

# Accesses of our workloads' memory that node 0 served within a window of the guest's clock. The
# count's own clock began with the script; a line is about the second before it.
def outside_share($truth; $uptime; $window):
	($uptime | first) as $began
	| if $began == null then null else
		$truth | within($window; .t_s + $began - 0.5) | map(.range)
		| (map(.node0) | add) as $fast | (map(add) | add) as $all | ratio($fast; $all) end;

def row_truth($run; $lines; $truth; $uptime):
	($lines | last_third) as $window
	| ($lines | started_s) as $started
	| ($run | first | .series // [] | if $started == null then [] else within($window; .t_s + $started) end
		| map(.fast_share) | mean) as $said
	| outside_share($truth; $uptime; $window) as $counted
	| row("truth"; "accesses in fast memory, Sluice less outside";
		(if $said == null or $counted == null then null else ($said - $counted) * 100 | fabs end); "<="; 2; "points";
		"last third: Sluice says \($said | round3), counted outside \($counted | round3), expected by where the pages are \($lines | within($window; .mono_s) | map(.access_fast_share) | mean | round3)");

def row_zipf($lines; $truth; $uptime):
	($lines | last_third) as $window
	| row("zipf"; "accesses in fast memory, Zipf 0.99"; ($lines | within($window; .mono_s) | map(.access_fast_share) | mean); ">="; 0.95; "share";
		"mean of the last third; 0.95 first after \(first($lines | access | .[] | select(.access_fast_share != null and .access_fast_share >= 0.95) | .t_s) // null | round3) s; counted outside \(outside_share($truth; $uptime; $window) | round3); the best placement of as many pages would serve \($lines | within($window; .mono_s) | map(.access_best_share) | mean | round3)");

def row_stride($lines):
	row("stride"; "97 % of the hot set fast, every 8th page hot";
		(first($lines | access | .[] | select(.hot_fast_share != null and .hot_fast_share >= 0.97)) // null | .t_s); "<="; 15; "s";
		"at the end \($lines | summary.hot_fast_share | round3)");

def row_jump($lines):
	row("jump"; "95 % of the new hot set in fast memory"; ($lines | summary.jump_reached_95_s); "<="; 10; "s";
		"after the jump, which was at \($lines | summary.jumped_at_s | round3) s; at the end \($lines | summary.hot_fast_share | round3)");

def rows_uniform($run; $lines; $turns):
	# What moved when ten seconds of access had passed.
	($lines | access | first) as $first | ($lines | started_s) as $started | ($lines | summary.size_bytes) as $size
	| ($run | first | .series // []) as $series
	| (if $first == null or ($series | length) == 0 then null else
		($first.mono_s - $first.t_s - $started + 10) as $late
		| ($series | map(select(.t_s <= $late)) | last) as $early
		| if $early == null or ($series | last.t_s) <= $late then null
		  else ($series | last | .promoted_bytes + .demoted_bytes) - $early.promoted_bytes - $early.demoted_bytes end end) as $moved
	| row("uniform"; "moved after the first 10 s, beside all memory"; ratio($moved; $size); "<="; 0.01; "share";
		"\($moved) bytes; in all \($run | moved_bytes)"),
	  row_turns("uniform"; "speed, beside the same without Sluice"; 0.99; $lines; $turns);

def row_gain($before; $lines):
	row("cxl"; "speed, beside the same without Sluice"; ratio($lines | summary.accesses_per_s; $before | summary.accesses_per_s); ">="; 5; "times";
		"accesses/s \($before | summary.accesses_per_s) before, \($lines | summary.accesses_per_s) with; hot set in fast memory \($lines | summary.hot_fast_share | round3)");

def row_kind($kind; $topology):
	row($kind; "sluice topology names node 1"; ($topology | first | .nodes // [] | first(.[] | select(.id == 1)) // null | .kind // null); "="; $kind; "";
		($topology | first | .nodes // [] | first(.[] | select(.id == 1)) // null | .reason // "no answer"));

def rows_checksum($run; $lines; $minute_s):
	($lines | summary) as $s
	| row("checksum"; "pages found changed, all of them on the move";
		(if $s.seconds == null or $s.seconds < $minute_s then null else $s.differences end); "="; 0; "count";
		"\($s.verified) page comparisons in \($s.seconds | round3) s"),
	  row("checksum"; "moved meanwhile, beside the program's memory"; ratio($run | moved_bytes; $s.pages | if . then . * 4096 else null end); ">="; 1; "times";
		"\($run | first | .summary.promoted_bytes) bytes up, \($run | first | .summary.demoted_bytes) down");

def row_kernel($complaints; $guests):
	row("kernel"; "guests whose kernel told of an oops or a warning"; $complaints; "="; 0; "count"; "of \($guests)");

# ---- For people, and for sluice-report. ---------------------------------------------------------
def pad($n): . + ($n - length) * " " // .;
def number: if . == null then "unknown" elif type == "string" then . else
	(if fabs >= 100 then round elif fabs >= 10 then . * 10 | round / 10 else . * 1000 | round / 1000 end) | tostring end;
def value_text($unit): if . == null then "unknown" elif $unit == "share" then "\(. * 1000 | round / 10 | tostring) %"
	elif $unit == "s" or $unit == "%" or $unit == "points" then "\(number) \($unit)"
	elif $unit == "times" or $unit == "ratio" then "\(number)x" else number end;
def line($met; $name; $what; $measured; $target):
	"\($met | pad(4)) \($name | pad(9)) \($what | pad(48)) \($measured | pad(10)) \($target)";
def row_head: line("met"; ""; "emulated"; "measured"; "target");
def target_text: "\(if .op == "=" then "" else .op + " " end)\(.unit as $u | .target | value_text($u))";
# A row, and where it is not met, or when asked, a second line with what stands behind it.
def row_text($verbose):
	line(if .met then "yes" else "NO" end; .name; .what; (.unit as $u | .measured | value_text($u)); target_text),
	if .met and ($verbose | not) then empty else "     \("" | pad(9)) \(.note)" end;

def result($rows; $runs; $command; $made; $quick):
	{schema: "sluice-result/1", title: "Sluice on a running kernel",
	 summary: "\($rows | map(select(.met)) | length) of \($rows | length) promises met.",
	 machine: {emulated: true, description: "Guests of tests/vm with real memory tiers under software emulation."},
	 tables: [{title: "Promises", columns: ["Measured", "Target", "Met"],
		rows: ($rows | map({name: "\(.name): \(.what)", unit: "",
			values: [(.unit as $u | .measured | value_text($u)), target_text, (if .met then "yes" else "no" end)]}))}],
	 notes: (["Speeds and times are emulated: ratios within this run mean something, absolute figures do not."]
		+ if $quick then ["Short runs (--quick)."] else [] end),
	 command: $command, made: $made, quick: $quick, rows: $rows, runs: $runs};
