/* SPDX-License-Identifier: Apache-2.0 */
/* fault_queue.c - see fault_queue.h. */
#include "fault_queue.h"

#include <errno.h>
#include <stdlib.h>

#define PARTS_PER_EPOCH 16u
#define LIST_FIRST 64u

int
fault_queue_init(struct fault_queue *queue, uint32_t epochs)
{
	*queue = (struct fault_queue){.part_count = (size_t)epochs * PARTS_PER_EPOCH + 1};
	queue->parts = calloc(queue->part_count, sizeof(*queue->parts));
	return queue->parts ? 0 : -ENOMEM;
}

void
fault_queue_destroy(struct fault_queue *queue)
{
	for (size_t i = 0; queue->parts && i < queue->part_count; i++)
		free(queue->parts[i].at);
	free(queue->parts);
	free(queue->heap.at);
}

static int
make_room(struct fault_list *list)
{
	size_t capacity = list->capacity ? 2 * list->capacity : LIST_FIRST;
	struct fault *at;

	if (list->count < list->capacity)
		return 0;
	at = realloc(list->at, capacity * sizeof(*at));
	if (!at)
		return -ENOMEM;
	list->at = at;
	list->capacity = capacity;
	return 0;
}

/* Puts a fault where a heap has a gap at i, or further down. */
static void
sink(struct fault_list *heap, size_t i, struct fault fault)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count && heap->at[child + 1].work < heap->at[child].work)
			child++;
		if (heap->at[child].work >= fault.work)
			break;
		heap->at[i] = heap->at[child];
		i = child;
	}
	heap->at[i] = fault;
}

int
fault_queue_push(struct fault_queue *queue, struct fault fault)
{
	size_t part = (size_t)(fault.work * PARTS_PER_EPOCH), i;
	struct fault_list *list;

	if (part >= queue->part_count)
		part = queue->part_count - 1;
	list = part <= queue->now ? &queue->heap : &queue->parts[part];
	if (make_room(list) < 0)
		return -ENOMEM;
	i = list->count++;
	if (list != &queue->heap) {
		list->at[i] = fault;
		return 0;
	}
	for (; i > 0 && list->at[(i - 1) / 2].work > fault.work; i = (i - 1) / 2)
		list->at[i] = list->at[(i - 1) / 2];
	list->at[i] = fault;
	return 0;
}

/* The next part becomes the heap, which is empty. */
static void
enter_part(struct fault_queue *queue)
{
	struct fault_list *part = &queue->parts[++queue->now];

	free(queue->heap.at);
	queue->heap = *part;
	*part = (struct fault_list){0};
	for (size_t i = queue->heap.count / 2; i-- > 0;)
		sink(&queue->heap, i, queue->heap.at[i]);
}

int
fault_queue_pop(struct fault_queue *queue, double before, struct fault *ret)
{
	struct fault_list *heap = &queue->heap;

	while (!heap->count && queue->now + 1 < queue->part_count &&
	       (double)(queue->now + 1) / PARTS_PER_EPOCH < before)
		enter_part(queue);
	if (!heap->count || heap->at[0].work >= before)
		return 0;
	*ret = heap->at[0];
	heap->count--;
	if (heap->count)
		sink(heap, 0, heap->at[heap->count]);
	return 1;
}
