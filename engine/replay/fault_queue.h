/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_queue.h - faults to come, of millions of marked pages, in order of the program's work.
 * Those of the next moments are in a heap that a cache holds; the others wait by the part of an
 * epoch that they fall into. One thread.
 */
#ifndef REPLAY_FAULT_QUEUE_H
#define REPLAY_FAULT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct fault {
	double work; /* when, in epochs of the program's work */
	uint32_t page;
	uint16_t version; /* of the unit's rate */
};

struct fault_list {
	struct fault *at;
	size_t count, capacity;
};

struct fault_queue {
	struct fault_list heap; /* all up to the part `now` */
	struct fault_list *parts;
	size_t part_count, now;
};

/* Of work from 0 to before `epochs`. -ENOMEM. */
int fault_queue_init(struct fault_queue *queue, uint32_t epochs);
void fault_queue_destroy(struct fault_queue *queue); /* {0} is fine */

/* Its work is not before that of what was popped last. -ENOMEM: it is left out. */
int fault_queue_push(struct fault_queue *queue, struct fault fault);
/* 1 and the next, if that is before so much work; else 0. */
int fault_queue_pop(struct fault_queue *queue, double before, struct fault *ret);

#endif
