/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - recordings of what trackers saw, what memory programs had, where it was and what was
 * moved: the file that `sluice record` writes and `sluice replay` reads. sluice-trace(5) has its
 * bytes.
 *
 * A trace is a sequence of items, in the order in which the engine learned of them; their times
 * never go back. It can be read while it grows, and after its writer was killed: up to the last
 * whole block. Nothing in a file is trusted: what a reader hands out is within the bounds below,
 * whatever the bytes are.
 *
 * Growth: items may get new members at their end, and there may be new kinds of items: skip those
 * that you do not know.
 */
#ifndef SLUICE_TRACE_H
#define SLUICE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_TRACE_VERSION 1u
#define SLUICE_TRACE_PAGE_BYTES 4096u
#define SLUICE_TRACE_BATCH_MAX 4096u      /* samples in one item */
#define SLUICE_TRACE_SPANS_MAX (1u << 20) /* mappings of one process */
#define SLUICE_TRACE_MOVES_MAX 512u       /* moves in one item */
#define SLUICE_TRACE_TIERS_MAX 8u         /* tiers of the machine */
#define SLUICE_TRACE_REGION_PAGES 512u    /* pages in one item of residency */
#define SLUICE_TRACE_NAME_MAX 255u        /* bytes of the name of a process */
#define SLUICE_TRACE_KEY_MAX 63u          /* bytes of the key of a meta text */
#define SLUICE_TRACE_TEXT_MAX 8191u       /* bytes of a meta text */
#define SLUICE_TRACE_ABSENT 0xffu         /* in place of a tier: the page is not resident */

/* What trackers tell; the engine's heat.h has the same, with how each is evidence of a rate. */
enum sluice_trace_sample_kind {
	SLUICE_TRACE_ARMED,    /* resident pages of [addr, addr+len) are watched from time_ns on;
				* events: how many were not before; 0: all */
	SLUICE_TRACE_TOUCH,    /* the watched page at addr was accessed at time_ns */
	SLUICE_TRACE_RATE,     /* pages of [addr, addr+len) were seen accessed `events` times in
				* `exposure_s` seconds, on average per page watched */
	SLUICE_TRACE_SEEN,     /* the watched pages of [addr, addr+len) were accessed since they
				* were armed, once at least */
	SLUICE_TRACE_COUNTING, /* accesses of the process are drawn from now on, one of `events` */
	SLUICE_TRACE_COUNT, /* an access of the page at addr was drawn, and stands for `events` */
	SLUICE_TRACE_EXACT, /* each page of [addr, addr+len) was accessed `events` times in the
			     * `exposure_s` seconds before time_ns, all counted */
	SLUICE_TRACE_SAMPLE_KINDS
};

/* events, exposure_s and spread are finite and not negative; addr + len_bytes does not overflow. */
struct sluice_trace_sample {
	uint64_t addr;
	uint64_t len_bytes;
	uint64_t time_ns;
	int32_t pid;
	uint32_t kind; /* enum sluice_trace_sample_kind */
	float events;
	float exposure_s;
	uint32_t tiers; /* ARMED: bit t set: pages in tier t are watched; 0: all */
	float spread;   /* how far the tracker's rates may be off, in octaves; 0: as usual */
};

struct sluice_trace_span { /* page aligned; those of a process are sorted and do not overlap */
	uint64_t start, end;
};

struct sluice_trace_tier { /* 0 is unknown */
	uint64_t total_bytes, free_bytes;
	uint32_t latency_ns; /* of reads */
	uint32_t bw_mbps;    /* of reads, 10^6 bytes per second */
	uint32_t kind;       /* enum sluice_tier_kind of topology.h */
	uint32_t reserved;
};

/* The same as the engine's enum move_outcome (core/ops.h). */
enum sluice_trace_outcome {
	SLUICE_TRACE_MOVED,
	SLUICE_TRACE_ALREADY,
	SLUICE_TRACE_BUSY,
	SLUICE_TRACE_NOMEM,
	SLUICE_TRACE_GONE,
	SLUICE_TRACE_ELSEWHERE,
	SLUICE_TRACE_FAILED,
	SLUICE_TRACE_OUTCOMES
};

struct sluice_trace_move {
	uint64_t addr;
	uint32_t bytes;  /* 4 KiB, or 2 MiB for a huge page */
	uint8_t outcome; /* enum sluice_trace_outcome */
	uint8_t landed;  /* the tier it is in now, or SLUICE_TRACE_ABSENT */
	uint8_t reserved[2];
};

enum sluice_trace_item_kind {
	SLUICE_TRACE_SAMPLES,   /* samples[count], of one or more processes */
	SLUICE_TRACE_META,      /* key and text: what the recording is of */
	SLUICE_TRACE_TIERS,     /* tier_list[count], fastest first, from now on */
	SLUICE_TRACE_PROCESS,   /* pid is watched from now on; text: its name */
	SLUICE_TRACE_SPANS,     /* spans[count]: all mappings of pid from now on */
	SLUICE_TRACE_RESIDENCY, /* tiers of the pages of [addr, addr+len_bytes) of pid */
	SLUICE_TRACE_MOVES,     /* moves[count]: pages of pid that were asked to go to `tier` */
	SLUICE_TRACE_EXIT,      /* pid is not watched any more */
	SLUICE_TRACE_LOST,      /* `lost` samples were not recorded, as the writer fell behind */
	SLUICE_TRACE_DAMAGE,    /* `lost` bytes of the file could not be read: what changed there is
				 * not known until it is told again */
	SLUICE_TRACE_ITEM_KINDS
};

/* What pointers point at is the reader's, until its next call. */
struct sluice_trace_item {
	uint32_t kind;    /* enum sluice_trace_item_kind */
	int32_t pid;      /* 0 where it is of no process, or of several */
	uint64_t time_ns; /* CLOCK_MONOTONIC of the recording: when the engine learned of it.
			   * Samples tell their own time, which is before that. */
	int repeated;     /* told before, and again because of a seek or of damage */
	int is_huge;      /* RESIDENCY: the range is one huge page */
	size_t count;
	const struct sluice_trace_sample *samples;
	const struct sluice_trace_span *spans;
	const struct sluice_trace_move *moves;
	const struct sluice_trace_tier *tier_list;
	const uint8_t *tiers; /* RESIDENCY: one per page, or SLUICE_TRACE_ABSENT */
	uint64_t addr;
	uint32_t len_bytes;
	uint32_t tier;
	uint64_t took_ns; /* MOVES: time spent in the mover */
	uint64_t lost;
	const char *key, *text;
};

/* ---- Reading. One thread at a time for each reader. ---- */

struct sluice_trace_reader;

struct sluice_trace_info {
	uint32_t version;
	uint32_t is_whole; /* ends as a writer ends it; else it is cut off, or still grows */
	uint64_t file_bytes;
	uint64_t blocks, samples;   /* of the blocks that are there, as their headers say */
	uint64_t raw_bytes;         /* of the blocks before compression */
	uint64_t first_ns, last_ns; /* times of the first and the last item */
	uint64_t damaged_bytes;     /* seen so far, headers and blocks */
	uint64_t tail_bytes;        /* of an unfinished block at the end */
};

/* Opens a file, finds its blocks (by the index at its end, or from block to block). The reader is
 * the caller's. -ENOENT ..., -EBADMSG: it is no trace; -EPROTO: of a version that this one cannot
 * read. sluice_trace_open_fd takes the descriptor over, also on failure; it must be a file. */
int sluice_trace_open(const char *path, struct sluice_trace_reader **ret,
		      struct sluice_err *reterr);
int sluice_trace_open_fd(int fd, const char *name, struct sluice_trace_reader **ret,
			 struct sluice_err *reterr);
void sluice_trace_close(struct sluice_trace_reader *reader); /* NULL is fine */

/* The next item: 1; 0 the end, for now: when the file has grown, later calls go on. A block that is
 * damaged is passed over and told as SLUICE_TRACE_DAMAGE. -EIO, -ENOMEM. */
int sluice_trace_next(struct sluice_trace_reader *reader, const struct sluice_trace_item **ret,
		      struct sluice_err *reterr);

/* Goes to the first item at or after that time. What held then (meta data, tiers, processes,
 * mappings, residency) is told first, as repeated items. A time past the end leads to the end. */
int sluice_trace_seek(struct sluice_trace_reader *reader, uint64_t time_ns,
		      struct sluice_err *reterr);

void sluice_trace_get_info(const struct sluice_trace_reader *reader, struct sluice_trace_info *ret);

/* ---- Writing. Any thread, one at a time. ---- */

struct sluice_trace_writer;

struct sluice_trace_writer_options {
	uint32_t size;  /* sizeof(struct sluice_trace_writer_options) */
	uint32_t waits; /* 1: callers wait when the queue is full, rather than that data is lost
			 */
	uint64_t queue_bytes; /* between callers and the writer's thread; 0: 8 MiB */
	uint32_t time_shift; /* samples' times are kept in units of 2^this ns, rounded down; at most
			      * 30. Default (UINT32_MAX) 16, which is 66 us. 0: exact */
	uint32_t level;      /* of zstd, 1 to 19; 0: 3 */
	uint32_t block_ms;   /* a block is written at the latest after this time; 0: 2000 */
	uint32_t patience_ms; /* how long finishing may wait for a file that takes nothing, as on a
			       * network mount that is gone; 0: for ever */
};

struct sluice_trace_writer_stats {
	uint64_t samples, lost_samples; /* written or on their way; not recorded */
	uint64_t lost_items;            /* other items; told again when they are still true */
	uint64_t file_bytes, blocks;
	uint64_t cpu_ns; /* of the writer's thread */
	int error;       /* -errno of writing, after which all is lost; 0 */
};

/* fd is taken over, also on failure, and written from its current position, which must be the start
 * of the file. options may be NULL. Starts a thread. -ENOMEM, -EAGAIN, -EINVAL, -EIO ... */
int sluice_trace_writer_new(int fd, const struct sluice_trace_writer_options *options,
			    struct sluice_trace_writer **ret, struct sluice_err *reterr);
/* Writes what is left, and the index; frees the writer. ret_stats may be NULL. 0, or the first
 * error of writing with its sentence. -ETIMEDOUT: patience_ms were over; the writer's thread goes
 * on for as long as the file needs, and frees all then. */
int sluice_trace_writer_finish(struct sluice_trace_writer *writer,
			       struct sluice_trace_writer_stats *ret_stats,
			       struct sluice_err *reterr);
void sluice_trace_writer_get_stats(struct sluice_trace_writer *writer,
				   struct sluice_trace_writer_stats *ret);

/* Each is queued and returns at once; times that go back count as the last one. What is out of the
 * bounds above is cut or left out, and counted as lost. State (all but samples, moves and exits)
 * may be told as often as one likes: only changes are written. */
void sluice_trace_write_samples(struct sluice_trace_writer *writer, uint64_t time_ns,
				const struct sluice_trace_sample *samples, size_t count);
void sluice_trace_write_meta(struct sluice_trace_writer *writer, uint64_t time_ns, const char *key,
			     const char *text);
void sluice_trace_write_tiers(struct sluice_trace_writer *writer, uint64_t time_ns,
			      const struct sluice_trace_tier *tiers, size_t count);
void sluice_trace_write_process(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
				const char *name);
void sluice_trace_write_spans(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
			      const struct sluice_trace_span *spans, size_t count);
void sluice_trace_write_residency(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
				  uint64_t addr, uint32_t len_bytes, const uint8_t *tiers,
				  int is_huge);
void sluice_trace_write_moves(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
			      uint32_t tier, uint64_t took_ns,
			      const struct sluice_trace_move *moves, size_t count);
void sluice_trace_write_exit(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid);

const char *sluice_trace_sample_kind_name(uint32_t kind); /* "armed", ...; "unknown" */
const char *sluice_trace_item_kind_name(uint32_t kind);   /* "samples", ...; "unknown" */

#ifdef __cplusplus
}
#endif
#endif
