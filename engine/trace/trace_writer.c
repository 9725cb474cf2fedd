/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_writer.c - writing a trace: callers queue (trace_queue.c), a thread compresses and writes.
 * See trace.h.
 *
 * The queue is two buffers that are swapped: callers append to one while the thread goes through
 * the other, so a caller pays for a copy and a lock that is held for moments. Only changes are
 * written, but the thread decides what changed, so that state of which the queue lost something is
 * complete again when it is told the next time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "clock.h"
#include "reserve.h"
#include "trace_file.h"
#include "trace_writer_parts.h"

#define QUEUE_BYTES (8u << 20)
#define QUEUE_BYTES_MIN (1u << 20)
#define WAKE_NS 250000000u
#define NS_PER_S 1000000000u

static void
take_message(struct sluice_trace_writer *writer, const struct message *message, const uint8_t *body)
{
	if (message->kind == SLUICE_TRACE_SAMPLES) {
		trace_file_samples(writer->file, message->time_ns, (const void *)body,
				   message->body_bytes / sizeof(struct sluice_trace_sample));
	} else {
		struct packed_item item = {
			.kind = message->kind,
			.pid = message->pid,
			.time_ns = message->time_ns,
			.addr = message->addr,
			.body = body,
			.body_bytes = message->body_bytes,
		};

		trace_file_item(writer->file, &item);
	}
}

static void
take_queue(struct sluice_trace_writer *writer, struct queue *queue)
{
	size_t at = 0;

	while (at < queue->count) {
		struct message message;

		memcpy(&message, queue->at + at, sizeof(message));
		take_message(writer, &message, queue->at + at + sizeof(message));
		at += sizeof(message) + MESSAGE_ALIGN(message.body_bytes);
	}
	if (queue->lost_samples)
		trace_file_lost(writer->file, queue->lost_samples);
	queue->count = 0;
	queue->lost_samples = 0;
}

static uint64_t
thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static struct timespec
in_ns(uint64_t ns)
{
	uint64_t at = clock_now_ns() + ns;

	return (struct timespec){(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};
}

static void
wait_for_more(struct sluice_trace_writer *writer)
{
	struct timespec until = in_ns(WAKE_NS);

	pthread_cond_timedwait(&writer->filled, &writer->lock, &until);
}

static void
writer_free(struct sluice_trace_writer *writer)
{
	for (int i = 0; i < 2; i++)
		release(writer->queues[i].at, writer->options.queue_bytes / 2);
	trace_file_free(writer->file);
	bytes_free(&writer->body);
	pthread_cond_destroy(&writer->filled);
	pthread_cond_destroy(&writer->emptied);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

static void *
writer_thread(void *arg)
{
	struct sluice_trace_writer *writer = arg;
	uint64_t block_ns = (uint64_t)writer->options.block_ms * 1000000u, begun_ns = 0;
	uint64_t lost_items = 0; /* of the file, as far as counted */
	int stop = 0, is_left;

	pthread_mutex_lock(&writer->lock);
	while (!stop) {
		struct queue *queue = &writer->queues[writer->front];
		struct trace_file_stats file;

		if (!queue->count && !queue->lost_samples && !writer->stop)
			wait_for_more(writer);
		stop = writer->stop;
		queue = &writer->queues[writer->front];
		writer->front = !writer->front;
		pthread_cond_broadcast(&writer->emptied);
		pthread_mutex_unlock(&writer->lock);

		take_queue(writer, queue);
		if (!trace_file_pending(writer->file))
			begun_ns = 0;
		else if (!begun_ns)
			begun_ns = clock_now_ns();
		else if (clock_now_ns() - begun_ns >= block_ns) {
			trace_file_flush(writer->file);
			begun_ns = 0;
		}
		if (stop) {
			take_queue(writer, &writer->queues[writer->front]);
			trace_file_end(writer->file);
			trace_file_close(writer->file);
		}

		pthread_mutex_lock(&writer->lock);
		trace_file_get_stats(writer->file, &file);
		writer->stats.samples = file.samples;
		writer->stats.file_bytes = file.file_bytes;
		writer->stats.blocks = file.blocks;
		writer->stats.lost_items += file.lost_items - lost_items;
		lost_items = file.lost_items;
		writer->stats.error = trace_file_error(writer->file, &writer->err);
		writer->stats.cpu_ns = thread_cpu_ns();
	}
	writer->has_ended = 1;
	is_left = writer->is_left;
	pthread_cond_broadcast(&writer->emptied);
	pthread_mutex_unlock(&writer->lock);
	if (is_left)
		writer_free(writer);
	return NULL;
}

static struct sluice_trace_writer_options
fill_options(const struct sluice_trace_writer_options *options)
{
	struct sluice_trace_writer_options ret = {.time_shift = UINT32_MAX};

	if (options)
		memcpy(&ret, options, options->size < sizeof(ret) ? options->size : sizeof(ret));
	if (!ret.queue_bytes)
		ret.queue_bytes = QUEUE_BYTES;
	if (ret.queue_bytes < QUEUE_BYTES_MIN)
		ret.queue_bytes = QUEUE_BYTES_MIN;
	if (ret.time_shift == UINT32_MAX)
		ret.time_shift = 16;
	if (!ret.level)
		ret.level = 3;
	if (!ret.block_ms)
		ret.block_ms = 2000;
	return ret;
}

static void
init_locks(struct sluice_trace_writer *writer)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->filled, &attr);
	pthread_cond_init(&writer->emptied, &attr);
	pthread_condattr_destroy(&attr);
}

int
sluice_trace_writer_new(int fd, const struct sluice_trace_writer_options *options,
			struct sluice_trace_writer **ret, struct sluice_err *reterr)
{
	struct sluice_trace_writer *writer = calloc(1, sizeof(*writer));
	sigset_t all, old;
	int r;

	if (writer) {
		writer->options = fill_options(options);
		init_locks(writer);
	}
	/* The file takes the descriptor, whatever happens. */
	r = trace_file_new(fd, writer ? writer->options.time_shift : 0,
			   writer ? writer->options.level : 1, writer ? &writer->file : NULL,
			   reterr);
	if (!writer)
		return sluice_fail(reterr, -ENOMEM, "no memory for a trace");
	for (int i = 0; r == 0 && i < 2; i++) {
		writer->queues[i].at = reserve(writer->options.queue_bytes / 2);
		if (!writer->queues[i].at)
			r = sluice_fail(reterr, -ENOMEM, "no memory for a trace");
	}
	if (r == 0) {
		/* Signals are for other threads. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		r = -pthread_create(&writer->thread, NULL, writer_thread, writer);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		if (r < 0)
			sluice_fail(reterr, r, "cannot start a thread for a trace: %s",
				    strerror(-r));
	}
	if (r < 0) {
		writer_free(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

/* With the lock held: 1 when the thread is done, 0 when patience is over. */
static int
wait_for_end(struct sluice_trace_writer *writer)
{
	struct timespec until = in_ns((uint64_t)writer->options.patience_ms * 1000000u);
	int r = 0;

	while (writer->options.patience_ms && !writer->has_ended && r == 0)
		r = pthread_cond_timedwait(&writer->emptied, &writer->lock, &until);
	return !writer->options.patience_ms || writer->has_ended;
}

int
sluice_trace_writer_finish(struct sluice_trace_writer *writer,
			   struct sluice_trace_writer_stats *ret_stats, struct sluice_err *reterr)
{
	int r;

	if (!writer)
		return 0;
	pthread_mutex_lock(&writer->lock);
	writer->stop = 1;
	pthread_cond_signal(&writer->filled);
	if (!wait_for_end(writer)) {
		pthread_t thread = writer->thread;

		r = sluice_fail(reterr, -ETIMEDOUT,
				"the file of the trace takes nothing: %llu bytes are written, and "
				"what else there is will be if that changes",
				(unsigned long long)writer->stats.file_bytes);
		if (ret_stats)
			*ret_stats = writer->stats;
		writer->is_left = 1;
		pthread_mutex_unlock(&writer->lock);
		pthread_detach(thread);
		return r;
	}
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	r = writer->stats.error;
	if (r < 0)
		sluice_fail(reterr, r, "%s", writer->err.msg);
	if (ret_stats)
		*ret_stats = writer->stats;
	writer_free(writer);
	return r;
}

void
sluice_trace_writer_get_stats(struct sluice_trace_writer *writer,
			      struct sluice_trace_writer_stats *ret)
{
	pthread_mutex_lock(&writer->lock);
	*ret = writer->stats;
	pthread_mutex_unlock(&writer->lock);
}
