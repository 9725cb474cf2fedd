/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace_writer.c - writing a trace: callers queue, a thread compresses and writes. See trace.h.
 *
 * The queue is two buffers that are swapped: callers append to one while the thread goes through
 * the other, so a caller pays for a copy and a lock that is held for moments. Only changes are
 * written, but the thread decides what changed, so that state of which the queue lost something is
 * complete again when it is told the next time.
 */
#include <errno.h>
#include <float.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "clock.h"
#include "reserve.h"
#include "trace_file.h"

#define QUEUE_BYTES (8u << 20)
#define QUEUE_BYTES_MIN (1u << 20)
#define WAKE_NS 250000000u
#define NS_PER_S 1000000000u
#define ALIGN(bytes) (((bytes) + 7u) & ~(size_t)7)

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
	int stop;
	struct queue queues[2];
	int front; /* where callers append */
	uint64_t last_ns;
	struct sluice_trace_writer_stats stats;
	struct sluice_err err;

	struct bytes body; /* under the lock: one item on its way to the queue */
};

/* ---- The thread ---- */

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
		at += sizeof(message) + ALIGN(message.body_bytes);
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

static void
wait_for_more(struct sluice_trace_writer *writer)
{
	uint64_t at = clock_now_ns() + WAKE_NS;
	struct timespec until = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};

	pthread_cond_timedwait(&writer->filled, &writer->lock, &until);
}

static void *
writer_thread(void *arg)
{
	struct sluice_trace_writer *writer = arg;
	uint64_t block_ns = (uint64_t)writer->options.block_ms * 1000000u, begun_ns = 0;
	uint64_t lost_items = 0; /* of the file, as far as counted */
	int stop = 0;

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
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* ---- Callers ---- */

/* With the lock held. */
static int
has_room(struct sluice_trace_writer *writer, size_t bytes)
{
	size_t capacity = writer->options.queue_bytes / 2;

	while (writer->queues[writer->front].count + bytes > capacity) {
		if (!writer->options.waits || bytes > capacity || writer->stats.error)
			return 0;
		pthread_cond_signal(&writer->filled);
		pthread_cond_wait(&writer->emptied, &writer->lock);
	}
	return 1;
}

/* With the lock held; 0: it is full. */
static int
queue_put(struct sluice_trace_writer *writer, struct message message, const void *body)
{
	size_t bytes = sizeof(message) + ALIGN(message.body_bytes);
	struct queue *queue;

	if (!has_room(writer, bytes))
		return 0;
	if (message.time_ns < writer->last_ns)
		message.time_ns = writer->last_ns;
	writer->last_ns = message.time_ns;
	queue = &writer->queues[writer->front];
	memcpy(queue->at + queue->count, &message, sizeof(message));
	if (message.body_bytes)
		memcpy(queue->at + queue->count + sizeof(message), body, message.body_bytes);
	queue->count += bytes;
	/* Else the thread looks by itself: waking it each time would cost more than its work. */
	if (queue->count > writer->options.queue_bytes / 4)
		pthread_cond_signal(&writer->filled);
	return 1;
}

void
sluice_trace_write_samples(struct sluice_trace_writer *writer, uint64_t time_ns,
			   const struct sluice_trace_sample *samples, size_t count)
{
	while (count > 0) {
		size_t some = count < SLUICE_TRACE_BATCH_MAX ? count : SLUICE_TRACE_BATCH_MAX;
		struct message message = {.kind = SLUICE_TRACE_SAMPLES,
					  .time_ns = time_ns,
					  .body_bytes = some * sizeof(*samples)};

		pthread_mutex_lock(&writer->lock);
		if (writer->stats.error || !queue_put(writer, message, samples)) {
			writer->stats.lost_samples += some;
			writer->queues[writer->front].lost_samples += some;
		}
		pthread_mutex_unlock(&writer->lock);
		samples += some;
		count -= some;
	}
}

/* Begins an item in writer->body; ends with put_item, which gives the lock back. */
static struct bytes *
begin_item(struct sluice_trace_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->body.count = 0;
	return &writer->body;
}

static void
put_item(struct sluice_trace_writer *writer, struct message message, int r)
{
	message.body_bytes = writer->body.count;
	if (r < 0 || writer->body.failed || writer->stats.error ||
	    !queue_put(writer, message, writer->body.at))
		writer->stats.lost_items++;
	pthread_mutex_unlock(&writer->lock);
}

void
sluice_trace_write_meta(struct sluice_trace_writer *writer, uint64_t time_ns, const char *key,
			const char *text)
{
	int r = item_put_meta(begin_item(writer), key, text);

	put_item(writer, (struct message){.kind = SLUICE_TRACE_META, .time_ns = time_ns}, r);
}

void
sluice_trace_write_tiers(struct sluice_trace_writer *writer, uint64_t time_ns,
			 const struct sluice_trace_tier *tiers, size_t count)
{
	int r = item_put_tiers(begin_item(writer), tiers, count);

	put_item(writer, (struct message){.kind = SLUICE_TRACE_TIERS, .time_ns = time_ns}, r);
}

void
sluice_trace_write_process(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
			   const char *name)
{
	int r = item_put_process(begin_item(writer), name);

	put_item(writer,
		 (struct message){.kind = SLUICE_TRACE_PROCESS, .pid = pid, .time_ns = time_ns}, r);
}

void
sluice_trace_write_spans(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
			 const struct sluice_trace_span *spans, size_t count)
{
	int r = item_put_spans(begin_item(writer), spans, count);

	put_item(writer,
		 (struct message){.kind = SLUICE_TRACE_SPANS, .pid = pid, .time_ns = time_ns}, r);
}

void
sluice_trace_write_residency(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
			     uint64_t addr, uint32_t len_bytes, const uint8_t *tiers, int is_huge)
{
	int r = item_put_residency(begin_item(writer), addr, len_bytes, tiers, is_huge);

	put_item(writer,
		 (struct message){.kind = SLUICE_TRACE_RESIDENCY,
				  .pid = pid,
				  .time_ns = time_ns,
				  .addr = addr},
		 r);
}

void
sluice_trace_write_moves(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid,
			 uint32_t tier, uint64_t took_ns, const struct sluice_trace_move *moves,
			 size_t count)
{
	int r = item_put_moves(begin_item(writer), tier, took_ns, moves, count);

	put_item(writer,
		 (struct message){.kind = SLUICE_TRACE_MOVES, .pid = pid, .time_ns = time_ns}, r);
}

void
sluice_trace_write_exit(struct sluice_trace_writer *writer, uint64_t time_ns, int32_t pid)
{
	begin_item(writer);
	put_item(writer,
		 (struct message){.kind = SLUICE_TRACE_EXIT, .pid = pid, .time_ns = time_ns}, 0);
}

/* ---- Life ---- */

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
	pthread_cond_init(&writer->emptied, NULL);
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
