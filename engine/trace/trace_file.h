/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_file.h - a trace that is being written: items to blocks, blocks to the file, the index at
 * the end. One thread. After the first error nothing more is written, and all is counted as lost.
 */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include "trace_item.h"

struct trace_file;

struct trace_file_stats {
	uint64_t samples, lost_items, file_bytes, blocks;
};

/* fd is taken over, also on failure; with ret NULL it is closed and nothing else. */
int trace_file_new(int fd, uint32_t time_shift, uint32_t level, struct trace_file **ret,
		   struct sluice_err *reterr);
void trace_file_free(struct trace_file *file); /* closes it as it is; NULL is fine */

/* At most SLUICE_TRACE_BATCH_MAX; those that trace.h does not allow are left out and told as lost.
 */
void trace_file_samples(struct trace_file *file, uint64_t time_ns,
			const struct sluice_trace_sample *samples, size_t count);
/* State that holds already is not written again. */
void trace_file_item(struct trace_file *file, const struct packed_item *item);
void trace_file_lost(struct trace_file *file, uint64_t samples);

int trace_file_pending(const struct trace_file *file); /* something waits for its block's end */
void trace_file_flush(struct trace_file *file);
void trace_file_end(struct trace_file *file); /* the index; nothing may be written after it */
/* Some file systems tell only now that they could not write, and may wait as long as for that. */
void trace_file_close(struct trace_file *file);

void trace_file_get_stats(const struct trace_file *file, struct trace_file_stats *ret);
/* The first error, with its sentence, or 0. */
int trace_file_error(const struct trace_file *file, struct sluice_err *reterr);

#endif
