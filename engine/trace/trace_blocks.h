/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_blocks.h - the list of a file's blocks: written as its index, and found again by the index,
 * from header to header, or by looking for headers where one is damaged.
 */
#ifndef TRACE_BLOCKS_H
#define TRACE_BLOCKS_H

#include "trace_bytes.h"
#include "trace_format.h"

struct block {
	uint64_t offset;
	uint64_t damaged_bytes; /* not 0: no block, but so many bytes that nothing is known of */
	uint64_t bad_bytes;     /* of a block whose data turned out to be damaged */
	struct format_header header;
};

struct blocks {
	struct block *at;
	size_t count, capacity;
	uint64_t end;        /* where the next is looked for */
	uint64_t tail_bytes; /* from there: a block that is not complete (yet) */
	int is_whole;        /* the file ends with an index */
};

void trace_blocks_free(struct blocks *blocks);
/* -ENOMEM. */
int trace_blocks_add(struct blocks *blocks, const struct block *block);

/* The index, as the data of a block. */
void trace_blocks_put(const struct blocks *blocks, struct bytes *raw);

/* Finds what has come since the last time, or all. -EIO ..., -ENOMEM; -EPROTO: a block of another
 * version, *ret_version. */
int trace_blocks_find(struct blocks *blocks, int fd, uint32_t *ret_version);

/* A block's data into ret (its content is replaced), decompressed and checked. -EBADMSG: damaged;
 * -EIO ..., -ENOMEM. */
int trace_block_load(int fd, const struct block *block, struct bytes *stored, struct bytes *ret,
		     void *zstd_context);

#endif
