/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.h - what the round needs from the outside: eyes (samplers), a map of each target's memory,
 * and hands (a mover). Live backends ask the kernel, fakes and replay do not; the round cannot
 * tell. Every backend is one `const struct ..._ops`, listed best first in its room's registry.
 *
 * All callbacks are called from the engine's thread only.
 */
#ifndef CORE_OPS_H
#define CORE_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "heat.h"
#include "sluice/err.h"
#include "sluice/topology.h"

#define OPS_SENTENCE_BYTES 508

/* What every backend may rely on; outlives it. */
struct ops_env {
	const char *sysroot;   /* "" for the real machine; /proc and /sys are read under it */
	const char *state_dir; /* where kernel settings are written down before they are changed */
	const struct sluice_topology *topology;
	/* What it was loaded with, for who needs one of his own; NULL: nothing but sysroot. */
	const struct sluice_topology_options *topology_options;
	/* A bit for each node below SLUICE_NODES_MAX whose memory is about to go: its pages count
	 * as nowhere, nothing is moved to it, and its bytes are no tier's. Changes only between
	 * calls. NULL: none ever leaves. */
	const uint64_t *leaving;
};

static inline int
ops_is_leaving(const uint64_t *leaving, int node)
{
	return leaving && node >= 0 && node < SLUICE_NODES_MAX &&
	       (leaving[node / 64] >> (node % 64) & 1);
}

struct sampler_stats {
	uint64_t samples;        /* delivered so far */
	uint64_t lost;           /* the kernel says that it dropped these */
	uint64_t kernel_cpu_ns;  /* CPU time of other threads that work for us (kdamond, mglru's) */
	uint64_t thread_cpu_ns;  /* and of threads of its own in this process */
	uint64_t target_cost_ns; /* estimated time taken from the targets (hint faults) */
	uint64_t
		kernel_moved_pages; /* pages that the kernel migrated by itself because we sample */
};

/* How much memory of one cgroup on one node is in use: the sizes of its generations, oldest first,
 * and how long ago the pages of each were last found accessed, at the latest. */
#define SAMPLER_WORKING_SETS_MAX 32
#define SAMPLER_GENERATIONS_MAX 4
#define SAMPLER_MEMCG_BYTES 128
struct sampler_working_set {
	char memcg[SAMPLER_MEMCG_BYTES]; /* its path, from outside: any text */
	int node;
	uint32_t count;
	struct {
		uint64_t age_ms, anon_bytes, file_bytes;
	} generation[SAMPLER_GENERATIONS_MAX];
};

/* What a tracker changes of a target's pages in order to watch them. Two that change the same would
 * each take from the other what it looks for, so they never watch together. */
#define SAMPLER_ACCESSED_BITS 1u /* clears them, or the kernel's idle flags, which follow them */
#define SAMPLER_PAGE_MARKS                                                                         \
	2u /* tells SAMPLE_ARMED: heat knows one mark a page, from one tracker                     \
	    */

struct sampler_ops {
	const char *name;    /* "damon" */
	const char *summary; /* one line */
	int for_tests;       /* never chosen by itself, told to nobody */
	int named_only;      /* never chosen by itself */
	uint32_t uses;       /* SAMPLER_ bits */
	int no_samples;      /* tells no heat: cannot watch alone */
	int page_granular;   /* tells single pages apart */
	int sentinel; /* coarse, but cheap, and disturbs no other: runs beside a page-granular
		       * one to see at once when heat goes elsewhere */
	/* 0: works here. Otherwise -ENOTSUP, -EACCES, -EBUSY ..., and the sentence says why not and
	 * what would make it work; it is what `sluice doctor` prints. Changes nothing. When it
	 * works the sentence may say how. Required. */
	int (*probe)(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES]);
	/* Begin, with no target yet. Required. */
	int (*start)(const struct ops_env *env, void **ret_self, struct sluice_err *reterr);
	/* Watch a process. -ESRCH. Required. */
	int (*add)(void *self, int32_t pid, struct sluice_err *reterr);
	/* Stop watching it; a pid that is not watched, or gone, is fine. Required. */
	void (*remove)(void *self, int32_t pid);
	/* Hand over what arrived; never blocks; called every tick (about 100 ms). A full buffer
	 * means call again. Required. */
	int (*read)(void *self, uint64_t now_ns, struct sample *samples, size_t capacity,
		    size_t *ret_count, struct sluice_err *reterr);
	/* What sampling may cost from now on, as a share of one CPU (0.01 is 1 %), counting the
	 * targets' own time. 0 pauses. Optional. */
	void (*set_effort)(void *self, double cpu_share);
	/* In how many ns it wants to be read again at the latest; UINT64_MAX: it does not mind.
	 * Optional. */
	uint64_t (*due_ns)(void *self, uint64_t now_ns);
	/* Pages are about to be moved (on), or all have been. Called with on before each slice of
	 * many moves, some of which go up, and once after the last. On failure nothing is moved.
	 * Optional. */
	int (*moving)(void *self, int on, struct sluice_err *reterr);
	/* Fills sets, at most capacity; returns how many. Optional. */
	size_t (*working_sets)(void *self, struct sampler_working_set *sets, size_t capacity);
	void (*get_stats)(void *self, struct sampler_stats *ret); /* Required. */
	/* Put back every kernel setting, free self. Required. */
	void (*stop)(void *self);
};

/* The targets' memory: which mappings may be moved, and where pages are. */
struct memory_ops {
	const char *name;
	int (*start)(const struct ops_env *env, void **ret_self, struct sluice_err *reterr);
	/* The mappings whose pages we may move, sorted: private and anonymous or file memory of the
	 * process; not those that the owner bound, locked, or that are special. pinned_bytes: what
	 * was left out for the owner's sake. -ESRCH when the process has ended (a zombie too). */
	int (*spans)(void *self, int32_t pid, struct heat_span *spans, size_t capacity,
		     size_t *ret_count, uint64_t *ret_pinned_bytes, struct sluice_err *reterr);
	/* Resident bytes of the process, roughly, at little cost. -ESRCH. */
	int (*resident)(void *self, int32_t pid, uint64_t *ret_bytes, struct sluice_err *reterr);
	/* Tiers of the pages of [addr, addr+len), len at most HEAT_REGION_BYTES; *ret_huge is 1
	 * when the whole range is one huge page. */
	int (*residency)(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers,
			 int *ret_huge, struct sluice_err *reterr);
	/* As residency, but only of pages on nodes that are leaving (HEAT_TIER_ABSENT: not there):
	 * the tier that their node was of. Optional: without it nothing can be drained. */
	int (*leaving)(void *self, int32_t pid, uint64_t addr, uint32_t len_bytes, uint8_t *tiers,
		       int *ret_huge, struct sluice_err *reterr);
	/* Free bytes of each tier now; sizes do not change. */
	int (*tiers)(void *self, struct sluice_tier *tiers, size_t capacity, size_t *ret_count,
		     struct sluice_err *reterr);
	void (*stop)(void *self);
};

enum move_outcome {
	MOVE_MOVED,     /* in the tier that was asked for, and was not before */
	MOVE_ALREADY,   /* was there before */
	MOVE_BUSY,      /* pinned, locked, or in use by the kernel just now (EBUSY, EAGAIN) */
	MOVE_NOMEM,     /* the tier is full */
	MOVE_GONE,      /* the page or the process is no more (ENOENT, EFAULT, ESRCH) */
	MOVE_ELSEWHERE, /* landed in a tier that nobody asked for */
	MOVE_FAILED,    /* any other error */
	MOVE_OUTCOMES
};

struct mover_ops {
	const char *name;
	int for_tests; /* told to nobody */
	const char *summary;
	int (*probe)(const struct ops_env *env, char sentence[OPS_SENTENCE_BYTES]);
	int (*start)(const struct ops_env *env, void **ret_self, struct sluice_err *reterr);
	/* Move pages to a tier, at most 512 a call; outcomes[i] and bytes[i] (4 KiB, or 2 MiB for a
	 * huge page) tell what became of page i, and landed[i] the tier it is in now
	 * (HEAT_TIER_ABSENT when gone). Returns 0 also when single pages failed; -ESRCH the process
	 * has ended, -EPERM we may not: then every outcome is filled all the same. */
	int (*move)(void *self, int32_t pid, const uint64_t *addrs, size_t count, uint32_t tier,
		    uint8_t *outcomes, uint32_t *bytes, uint8_t *landed, struct sluice_err *reterr);
	void (*stop)(void *self);
};

#endif
