/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: the memory a workload works on, at an address that is known from outside, so that
 * an observer beyond the guest can tell its accesses from those of code, stacks and libraries.
 */
#ifndef WL_ARENA_H
#define WL_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "wl_parse.h"

#define ARENA_PAGE 4096
#ifdef __SANITIZE_THREAD__ /* which leaves programs little room */
#define ARENA_ADDRESS UINT64_C(0x004000000000)
#else
#define ARENA_ADDRESS UINT64_C(0x100000000000)
#endif

enum arena_thp { ARENA_THP_DEFAULT, ARENA_THP_ON, ARENA_THP_OFF };

/* "on", "off" or "default"; 0 or -EINVAL. */
int arena_thp_parse(const char *text, enum arena_thp *ret_thp);

/*
 * Maps @bytes of private memory at ARENA_ADDRESS or, where something is there already, at one of
 * the next GiBs above it. Nothing is touched. Returns 0 or -errno; @ret_base is for munmap.
 */
int arena_map(uint64_t bytes, enum arena_thp thp, unsigned char **ret_base);

/*
 * Makes the calling thread, and only it, allocate on @node alone, so that what it touches first
 * lies there and yet has no policy of its own; arena_unbind takes that back. 0 or -errno.
 */
int arena_bind(unsigned node);
int arena_unbind(void);

/*
 * Whether @node could take @bytes: binding to a full node ends in the out-of-memory killer. Counts
 * free memory and file pages. 0, -ENOENT (no such node), or -ENOMEM; unknown is yes.
 */
int arena_node_fits(unsigned node, uint64_t bytes);

/* The nodes that have CPUs; node 0 where the kernel knows no nodes. */
void arena_nodes_with_cpus(struct nodeset *ret_nodes);

#endif
