# SPDX-License-Identifier: Apache-2.0
# All lines of a run become result.json: what sluice-report reads (bench/report/README.md), and more.
# $shape is the guest's shape, or "" for this machine; $workload and $command are texts.
include "common";

[inputs] as $all
| ($all | map(.line | select(.demo == "topology")) | first.topology) as $topology
| ($all | map(.line | select(.demo == "kernel")) | first.kernel // "unknown") as $kernel
| ($topology | fast_nodes) as $fast
| ($all | map(.line | select(.summary == true)) | last) as $summary
| ($all | map(.line | select(.demo == "status")) | last.status) as $status
# Each second of the access phase, with the phase it belongs to.
| [ foreach $all[] as $in
      ({ started: false, start_s: null, status: null };
       .row = null
       | if $in.line.demo == "event" then .started = true | .start_s = .last_s
         elif $in.line.demo == "status" then .status = $in.line.status
         elif $in.line.phase == "access" then
           .last_s = $in.line.t_s
           | .row = { t_s: $in.line.t_s, started, start_s, speed: $in.line.accesses_per_s,
                      hot: $in.line.hot_fast_share, placed: $in.line.access_fast_share,
                      counts: (if ($in.truth | length) > 0 then $in.truth | counted($fast) else null end),
                      estimated: .status.round.fast_share, status }
         else . end;
       .row | select(. != null)) ] as $rows
| ($rows | map(select(.started))) as $after
# The first second still holds the end of the touching.
| ($rows | map(select(.started | not)) | .[1:]) as $before
| ($after | first.start_s) as $start_s
| ($after | .[(length * 2 / 3 | floor):]) as $steady
| ($rows | any(.counts != null)) as $counted
| def served: if $counted then { all: (map(.counts.all // 0) | add // 0), fast: (map(.counts.fast // 0) | add // 0) } | share
              else map(.placed | select(. != null)) | mean end;
  def reached($part): ($after | map(select(.hot != null and .hot >= $part)) | first.t_s) as $t
    | if $t == null then null else $t - $start_s end;
  ($before | map(.speed) | mean) as $speed_before
| ($steady | map(.speed) | mean) as $speed_after
| (if $speed_before > 0 and $speed_after != null then $speed_after / $speed_before else null end) as $gain
# CPU time over the last third, as CPUs kept busy.
| ($steady | map(.status | select(. != null))) as $statuses
| def busy(f): if ($statuses | length) > 1 and $statuses[-1].uptime_ms > $statuses[0].uptime_ms
    then (($statuses[-1].cpu | f) - ($statuses[0].cpu | f)) / 1e6 / ($statuses[-1].uptime_ms - $statuses[0].uptime_ms)
    else null end;
  busy(.own_ns + .kernel_ns) as $cpu
| busy(.target_ns) as $taken
| ($topology.tiers | map("\(.kind) (node \(.nodes | map(tostring) | join(",")), \(.total_bytes | bytes_text))") | join(", ")) as $tiers
| ($status.round | .promoted_bytes + .demoted_bytes) as $moved
| {
    schema: "sluice-result/1",
    title: "Hot memory climbs into fast memory",
    summary: "An unmodified program reads at random, 9 of 10 accesses in a part of its memory that lies in the slow tier (\($workload)). After \($start_s | digits) s Sluice starts, watches, and moves its hot pages.",
    machine: {
      emulated: ($shape != ""), shape: (if $shape == "" then null else $shape end), kernel: $kernel,
      description: ((if $shape != "" then "A QEMU guest of shape \($shape), run by software emulation: figures compare within this run, not with real machines. " else "This machine. " end)
        + "Kernel \($kernel); tiers: \($tiers)."),
      topology: $topology
    },
    headline: [
      { value: $gain, unit: "times", label: "the program's own speed, after to before" },
      { value: ($steady | served), unit: "share", label: "of its accesses served by fast memory, before \($before | served | percent_text)" },
      { value: reached(0.95), unit: "s", label: "until 95 % of the hot set was in fast memory" }
    ],
    charts: [
      { title: "Accesses served by fast memory", unit: "share",
        note: (if $counted then "Counted from outside the guest, and what Sluice estimates." else "From where the program's pages lie, and what Sluice estimates." end),
        markers: [ { t_s: $start_s, label: "Sluice starts" } ],
        lines: [ { name: (if $counted then "counted" else "placed" end), points: ($rows | map([.t_s, (if $counted then (.counts // {all: 0} | share) else .placed end)])) },
                 { name: "Sluice's estimate", points: ($rows | map([.t_s, .estimated])) } ] },
      { title: "The program's own speed", unit: "per_s", note: "Accesses per second, counted by the program itself.",
        markers: [ { t_s: $start_s, label: "Sluice starts" } ],
        lines: [ { name: "hotset", points: ($rows | map([.t_s, .speed])) } ] }
    ],
    tables: [ { title: "Before and after", columns: [ "Before", "With Sluice", "Change" ], rows: [
      { name: "Program's speed", unit: "per_s", values: [ $speed_before, $speed_after, { value: $gain, unit: "times" } ] },
      { name: "Accesses served by fast memory", unit: "share", values: [ ($before | served), ($steady | served), "" ] },
      { name: "Hot set in fast memory", unit: "share", values: [ ($before | last.hot), ($after | last.hot), "" ] },
      { name: "Bytes moved, both ways", unit: "bytes", values: [ "", $moved, "" ] },
      { name: "CPU that Sluice uses, of one", unit: "cpu", values: [ "", $cpu, "" ] },
      { name: "Program's time taken by tracking", unit: "cpu", values: [ "", $taken, "" ] } ] } ],
    notes: [
      "Before: the seconds without Sluice, less the first. With Sluice: the last third of the seconds with it; bytes moved: all of them.",
      (if $counted then "Served by fast memory: loads and stores to the program's memory, counted by a QEMU plugin outside the guest; the kernel and Sluice cannot influence it."
       else "Served by fast memory: where the program's pages lie (move_pages query), weighted by how likely the program accesses each." end),
      "The program is bench/workloads/hotset with \($workload); it knows nothing of Sluice.",
      "CPU that Sluice uses: of its service and of kernel threads that work for it. The program's time taken by tracking is an estimate.",
      "Policy \($status.policy), samplers \($status.samplers | join(", ")), mover \($status.mover)."
    ],
    command: $command, made: (now | todate),
    hotset: $summary, sluice: $status, workload: $workload,
    measured: {
      speed_before: $speed_before, speed_after: $speed_after, gain: $gain,
      served_before: ($before | served), served_after: ($steady | served),
      estimated_after: ($steady | map(.estimated | select(. != null)) | mean),
      hot_before: ($before | last.hot), hot_after: ($after | last.hot),
      reached_95_s: reached(0.95), reached_98_s: reached(0.98), moved_bytes: $moved, cpu: $cpu,
      target_cpu: $taken
    }
  }
