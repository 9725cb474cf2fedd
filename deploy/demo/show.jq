# SPDX-License-Identifier: Apache-2.0
# One line a second for the eyes. $full and $empty draw the bar.
include "common";

def bar($width): (. * $width | round) as $n
  | (if $n > 0 then $n * $full else "" end) + (if $n < $width then ($width - $n) * $empty else "" end);

foreach inputs as $in
  ({ started: false, fast: [], out: null };
   .out = null
   | if $in.line.demo == "topology" then
       .fast = ($in.line.topology | fast_nodes)
       | .out = ($in.line.topology.tiers
           | map("  tier \(.index): \(.kind), \(.total_bytes | bytes_text), node \(.nodes | map(tostring) | join(","))") | join("\n"))
     elif $in.line.demo == "event" then .started = true | .out = "\($in.line.event):"
     elif $in.line.demo == "status" then .status = $in.line.status
     elif $in.line.phase == "touch" then .out = "  hotset touches its memory (\($in.line.t_s | floor) s)"
     elif $in.line.phase == "access" then
       (.fast as $fast | $in.truth | if length > 0 then counted($fast) | share else null end) as $true
       | ($true // $in.line.access_fast_share) as $share
       | .out = (if .header then "" else
           "\n  time  served by fast memory                        program's speed   moved\n" end)
           + "\($in.line.t_s | round | right(4)) s  \($share // 0 | bar(30)) \($share | percent_text | right(8))"
           + "\($in.line.accesses_per_s | speed_text | right(17))"
           + (if .status then "\(.status.round | .promoted_bytes + .demoted_bytes | bytes_text | right(11))" else "" end)
       | .header = true
     else . end;
   .out | select(. != null))
