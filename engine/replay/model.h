/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the machine of a replay: tiers whose latency grows with their load, and what moving and
 * tracking cost. Pure.
 *
 * An access of which `mlp` are under way at once stalls its thread for the tier's latency divided
 * by that. Latency is the idle one times a factor that is read off a curve at the tier's
 * utilisation. As the program gets slower its demand does too, so an epoch's time is where both
 * agree. Times are those of threads, added up ("stall_ns"), unless they are called wall.
 */
#ifndef REPLAY_MODEL_H
#define REPLAY_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#define MODEL_TIERS_MAX 4u
#define MODEL_CURVE_POINTS 8u
#define MODEL_LINE_BYTES 64.0

struct model_point {
	double load; /* utilisation, 0 to 1; ascending, first 0, last 1 */
	double times;
};

/* A kind of memory: all of model_data.c, where each figure has its source. */
struct model_kind {
	const char *name;
	uint32_t kind;              /* enum sluice_tier_kind */
	double read_ns, write_ns;   /* idle, from load to use; of a store that misses */
	double read_bps, write_bps; /* peaks; without duplex reads and writes share read_bps */
	int duplex;
	struct model_point curve[MODEL_CURVE_POINTS];
	const char *source;
};

struct model_costs {
	double page_ns;      /* moving 4 KiB, in a batch */
	double huge_ns;      /* moving 2 MiB in one */
	double call_ns;      /* of each call, for the mover */
	double interrupt_ns; /* of each call, for each thread of the program: TLB shootdown */
	double fault_ns;     /* a hint fault, for the program */
	double sample_ns;    /* a drawn access, for the program */
	double look_ns;      /* a look at one region by a kernel thread */
	double free_share;   /* of fast memory that first-touch leaves */
	double shared_loss;  /* of fast bandwidth while the slow tier is saturated... */
	double shared_from;  /* ...beginning at this utilisation of it */
	double fair_share;   /* of a tier's bandwidth that the program gets at least */
	double stream_mlp;   /* from this mlp on accesses are a stream's, fetched ahead */
	double stream_seen;  /* and this share of them is seen by load events */
	double damon_seen;   /* share of accesses that leave a trace in page tables */
};

extern const struct model_kind model_kinds[]; /* ends at name == NULL */
extern const struct model_costs model_costs;

struct model_tier {
	struct model_kind kind; /* with the user's own figures over it */
	uint64_t bytes;
};

struct model {
	struct model_tier tiers[MODEL_TIERS_MAX];
	uint32_t tier_count;
	struct model_costs costs;
};

/* "dram:25% cxl:75%": tiers, fastest first, each KIND:SIZE[@LATENCY][,BANDWIDTH]; SIZE is bytes or
 * a share of the program's memory. The last tier is made a sixteenth larger than all that does not
 * fit the others if it is smaller: pages that change places need room. -EINVAL, the sentence says
 * where. */
int model_parse_tiers(const char *text, uint64_t program_bytes, struct model *ret,
		      struct sluice_err *reterr);

/* How many times the idle latency at a utilisation; beyond 1 as at 1. */
double model_times(const struct model_kind *kind, double load);

/* What the program does in one epoch, by tier. */
struct model_demand {
	double reads, writes;             /* accesses */
	double read_stalls, write_stalls; /* the same, each divided by its mlp */
};

/* Bytes a second that others take. */
struct model_others {
	double read_bps, write_bps;
};

struct model_result {
	double wall_ns;
	double stall_ns;               /* of all threads */
	double load[MODEL_TIERS_MAX];  /* utilisation by program and others */
	double times[MODEL_TIERS_MAX]; /* the latency is that many times the idle one */
};

/* Time of an epoch whose threads compute for cpu_ns of wall time. demand and others have an element
 * for each tier. */
void model_epoch(const struct model *model, const struct model_demand *demand,
		 const struct model_others *others, double cpu_ns, uint32_t threads,
		 struct model_result *ret);

/* Wall time that the epoch's threads compute: what is left of epoch_ns when all demand is served by
 * idle fast memory, but at least a twentieth. */
double model_cpu_ns(const struct model *model, const struct model_demand *all, double epoch_ns,
		    uint32_t threads);

/* What one call that moves so many pages, huge or not, takes the mover. */
double model_move_ns(const struct model_costs *costs, uint64_t pages, uint64_t huge_pages);

#endif
