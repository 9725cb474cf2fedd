#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints what Sluice's topology reads of the machine it runs on, as a .tree file: a line per file,
# "path = text" (\n is a line end), and per link, "path -> target". Busybox is enough.
cd / || exit 1

file() { # its first three lines: of meminfo that is the size and what is free
	[ -f "$1" ] && text=$(sed -n '1,3p' "$1" 2>/dev/null | sed ':a;N;$!ba;s/\n/\\n/g') &&
		printf '%s = %s\\n\n' "$1" "$text"
}
link() {
	[ -L "$1" ] && echo "$1 -> $(readlink "$1")"
}

for f in sys/devices/system/node/online sys/devices/system/node/has_memory \
	sys/devices/system/node/has_cpu sys/devices/system/memory/block_size_bytes \
	sys/devices/virtual/memory_tiering/memory_tier*/nodelist; do
	file "$f"
done
for n in sys/devices/system/node/node[0-9]*; do
	for f in "$n"/cpulist "$n"/distance "$n"/meminfo "$n"/access[01]/initiators/read_* \
		"$n"/access[01]/initiators/write_*; do
		file "$f"
	done
	# Where the node's memory starts is enough: one block, as its folder is a link elsewhere.
	for m in "$n"/memory[0-9]*; do
		[ -e "$m" ] && printf '%s = 1\\n\n' "$m/online" && break
	done
done
for d in sys/bus/dax/devices/*; do
	[ -e "$d" ] || continue
	link "$d"
	real=$(readlink -f "$d")
	file "${real#/}/target_node"
	link "${real#/}/driver"
done
for r in sys/bus/cxl/devices/region*; do
	[ -e "$r" ] || continue
	for f in commit mode resource size; do
		file "$r/$f"
	done
done
exit 0
