/* SPDX-License-Identifier: Apache-2.0 */
/* pid_list.c - see pid_list.h. */
#include "pid_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first that is not less, or count. */
static size_t
lower(const struct pid_list *list, int32_t pid)
{
	size_t low = 0, count = list->count;

	while (count > 0) {
		size_t half = count / 2;

		if (list->places[low + half].pid >= pid) {
			count = half;
		} else {
			low += half + 1;
			count -= half + 1;
		}
	}
	return low;
}

int64_t
pid_list_find(const struct pid_list *list, int32_t pid)
{
	size_t i = lower(list, pid);

	return i < list->count && list->places[i].pid == pid ? (int64_t)list->places[i].at : -1;
}

int
pid_list_add(struct pid_list *list, int32_t pid, uint32_t at)
{
	size_t i = lower(list, pid);

	if (list->count == PID_LIST_MAX)
		return -E2BIG;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 16;
		struct pid_place *places = realloc(list->places, capacity * sizeof(*places));

		if (!places)
			return -ENOMEM;
		list->places = places;
		list->capacity = capacity;
	}
	memmove(&list->places[i + 1], &list->places[i], (list->count - i) * sizeof(*list->places));
	list->places[i] = (struct pid_place){pid, at};
	list->count++;
	return 0;
}

void
pid_list_free(struct pid_list *list)
{
	free(list->places);
	*list = (struct pid_list){0};
}
