/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model_data.c - the figures that replays are priced with, all of them, each with where it is from.
 *
 * [C] read in released code or data, [A] stated by its authors, [M] widely quoted and not checked,
 * [D] computed from the others, [G] a guess, for want of a published figure.
 */
#include "model.h"

#include "sluice/topology.h"

const struct model_kind model_kinds[] = {
	{
		.name = "dram",
		.kind = SLUICE_TIER_DRAM,
		/* Local DDR5 of Sapphire Rapids: 100 to 115 ns [M]. A store that misses waits for
		 * its line as a load does: it reads for ownership first. */
		.read_ns = 100,
		.write_ns = 100,
		/* Eight channels of one socket: 205 GB/s in Colloid's testbed [M]; reads and writes
		 * share the bus. */
		.read_bps = 205e9,
		.write_bps = 205e9,
		.duplex = 0,
		/* Graviton3 with DDR5, all reads: Mess's curves [C], as multiples of idle [D]. */
		.curve =
			{{0, 1}, {.3, 1.07}, {.6, 1.2}, {.8, 1.4}, {.9, 1.7}, {.95, 1.9}, {1, 3.1}},
		.source = "DDR5: 100-115 ns on SPR; Mess curve of Graviton3; 205 GB/s of Colloid's "
			  "testbed",
	},
	{
		.name = "remote",
		.kind = SLUICE_TIER_REMOTE,
		/* The other socket's DDR4: 133 ns, 35 GB/s, and its curve: Mess [C]; saturated 2.3
		 * to 4.2 times, the middle of it here [D]. */
		.read_ns = 133,
		.write_ns = 133,
		.read_bps = 35e9,
		.write_bps = 35e9,
		.duplex = 0,
		.curve = {{0, 1},
			  {.3, 1.05},
			  {.6, 1.14},
			  {.8, 1.27},
			  {.9, 1.5},
			  {.95, 1.7},
			  {1, 3.2}},
		.source = "the other socket's DDR4: Mess curve, 133 ns, 35 GB/s",
	},
	{
		.name = "cxl",
		.kind = SLUICE_TIER_CXL,
		/* Local ASIC expanders: 210 to 270 ns [M]; four devices of Melody: 140 to 410 ns
		 * [A].
		 */
		.read_ns = 250,
		.write_ns = 250,
		/* Mess [C]: 29.5 GB/s at 90 % reads, so 26.5 of reads; 43.6 at 58 % reads, so 18.3
		 * of writes beside 25.3 of reads [D]: the link has a lane for each direction. */
		.read_bps = 26.5e9,
		.write_bps = 18.3e9,
		.duplex = 1,
		/* Flat, then a cliff: Mess [C]. */
		.curve = {{0, 1},
			  {.3, 1.03},
			  {.6, 1.06},
			  {.8, 1.1},
			  {.9, 1.14},
			  {.95, 1.3},
			  {1, 5.4}},
		.source = "ASIC expander: 210-270 ns; Mess curve, 29.5 GB/s at 90 % reads, 43.6 at "
			  "58 %",
	},
	{
		.name = "pmem",
		.kind = SLUICE_TIER_PMEM,
		/* Optane: 305 ns at random [A]; a store weighs three times a load: ARMS [C]. */
		.read_ns = 305,
		.write_ns = 915,
		/* Six modules: 39.4 GB/s of reads, 13.9 of writes [A]. The curve is the remote
		 * socket's: none is published [G]. */
		.read_bps = 39.4e9,
		.write_bps = 13.9e9,
		.duplex = 1,
		.curve = {{0, 1},
			  {.3, 1.05},
			  {.6, 1.14},
			  {.8, 1.27},
			  {.9, 1.5},
			  {.95, 1.7},
			  {1, 3.2}},
		.source = "Optane, six modules: 305 ns, 39.4/13.9 GB/s; stores three times (ARMS)",
	},
	{.name = NULL},
};

const struct model_costs model_costs = {
	/* move_pages on Zen 3, one thread, batches: 1.15 to 1.24 us for 4 KiB, 190 us for 2 MiB;
	 * Linux 7.0 [A]. ARMS assumes 137 to 310 us of copying for 2 MiB [C]. */
	.page_ns = 1200,
	.huge_ns = 190000,
	/* A call of one page is several times dearer than a page of a batch [A]; with a shootdown
	 * of 4 us, as HeMem's simulator has it [C], it is 4.3 times. */
	.call_ns = 4000,
	/* Each thread is interrupted once a batch, with 6.3's batching [A]: 1 us + 0.2 us for each
	 * core is one account, 1.5 to 2 us another [M]. */
	.interrupt_ns = 1500,
	/* 1 to 2 us [M]. */
	.fault_ns = 1500,
	/* With large buffers 0.2 to 0.5 us [M]. */
	.sample_ns = 300,
	/* DAMON is told to cost 1.16 % [A] and checks 200 times a second; a look is a walk of a
	 * page table and a test of a bit [G]. */
	.look_ns = 300,
	/* The kernel's own watermarks keep about so much free [G]. */
	.free_share = 0.01,
	/* CXL pressure takes up to 81 % of DDR's bandwidth: MIKU [A]; between the knee of the curve
	 * and saturation it grows linearly [G]. */
	.shared_loss = 0.81,
	.shared_from = 0.9,
	/* Controllers are about fair between two that want all [G]. */
	.fair_share = 0.5,
	/* Load events miss prefetched streams, and stores [A]; how much of them is a guess [G]. */
	.stream_mlp = 8,
	.stream_seen = 0.25,
	/* Accesses that hit the TLB set no accessed bit; on guests with large ones a tenth of all
	 * was seen (ARCHITECTURE, the scale of the coarse tracker). */
	.damon_seen = 0.1,
};
