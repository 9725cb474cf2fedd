# SPDX-License-Identifier: Apache-2.0
# What the live lines and the result both need. Input lines are {"truth":[...],"line":{...}}: a line
# of inside.sh with the seconds that the guest's plugin counted since the line before.

# The nodes that make up the fastest tier, as the names that the truth uses.
def fast_nodes: [.tiers[0].nodes[] | "node\(.)"];

# Accesses to hotset's memory that were counted, and those of them that fast memory served.
def counted($fast):
  { all: ([.[].range[]] | add // 0),
    fast: ([.[].range | to_entries[] | select(.key as $n | $fast | index($n)) | .value] | add // 0) };

def share: if .all > 0 then .fast / .all else null end;

def mean: if length > 0 then add / length else null end;

# Figures as short texts.
def digits: if . >= 100 then round else if . >= 10 then (. * 10 | round) / 10 else (. * 100 | round) / 100 end end;
def speed_text:
  if . == null then "unknown"
  elif . >= 1e9 then "\(. / 1e9 | digits) G/s"
  elif . >= 1e6 then "\(. / 1e6 | digits) M/s"
  elif . >= 1e3 then "\(. / 1e3 | digits) k/s"
  else "\(digits)/s" end;
def percent_text:
  if . == null then "unknown"
  else (. * 1000 | round) as $n | "\($n / 10 | floor).\($n % 10) %" end;
def bytes_text:
  if . == null then "unknown" elif . >= 1073741824 then "\(. / 1073741824 | digits) GiB"
  elif . >= 1048576 then "\(. / 1048576 | digits) MiB" else "\(. / 1024 | digits) KiB" end;
def right($width): tostring | (($width - length) * " " // "") + .;
