/* SPDX-License-Identifier: Apache-2.0 */
/* trace_queue.c - what is to be written into a trace, put into the writer's queue. See trace.h. */
#include <pthread.h>
#include <string.h>

#include "trace_item.h"
#include "trace_writer_parts.h"

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
	size_t bytes = sizeof(message) + MESSAGE_ALIGN(message.body_bytes);
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
