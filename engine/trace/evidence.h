/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h - samples of all kinds as one: so many accesses per page in so much time of watching.
 *
 * What was watched and not accessed is evidence too: it is told when the watching ends, so call
 * evidence_end() at last. Pages that were armed are counted by 2 MiB, not one by one.
 */
#ifndef TRACE_EVIDENCE_H
#define TRACE_EVIDENCE_H

#include "sluice/trace.h"

struct evidence_told {
	int32_t pid;
	uint64_t addr, len_bytes; /* whole pages */
	uint64_t from_ns, to_ns;  /* when it was watched */
	double events;            /* per page */
	double watched_s;         /* per page; 0: see is_drawn */
	int is_moment;            /* the accesses were at to_ns */
	int is_drawn;             /* accesses of the whole process are drawn: it is watched all the
				   * time */
};

struct evidence;

struct evidence *evidence_new(void (*tell)(void *ctx, const struct evidence_told *told), void *ctx);
void evidence_free(struct evidence *evidence); /* NULL is fine */

/* Other items than samples matter too: an exit ends watching. -ENOMEM. */
int evidence_take(struct evidence *evidence, const struct sluice_trace_item *item);
void evidence_end(struct evidence *evidence, uint64_t now_ns);

#endif
