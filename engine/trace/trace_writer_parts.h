/* SPDX-License-Identifier: Apache-2.0 */
/* trace_writer_parts.h - what callers of a trace's writer and its thread share: the queue. */
#ifndef TRACE_WRITER_PARTS_H
#define TRACE_WRITER_PARTS_H

#include <pthread.h>

#include "sluice/trace.h"
#include "trace_bytes.h"

#define MESSAGE_ALIGN(bytes) (((bytes) + 7u) & ~(size_t)7)

/* In the queue, before its body: of samples the samples themselves, of others their packed body. */
struct message {
	uint32_t kind;
	int32_t pid;
	uint64_t time_ns, addr;
	uint64_t body_bytes;
};

struct queue {
	uint8_t *at; /* reserved */
	size_t count;
	uint64_t lost_samples; /* while it was full */
};

struct sluice_trace_writer {
	struct sluice_trace_writer_options options;
	struct trace_file *file; /* the thread's */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	int stop, has_ended; /* wished; and the thread is done with the file */
	int is_left;         /* nobody waits for the thread: it frees all of this */
	struct queue queues[2];
	int front; /* where callers append */
	uint64_t last_ns;
	struct sluice_trace_writer_stats stats;
	struct sluice_err err;

	struct bytes body; /* under the lock: one item on its way to the queue */
};

#endif
