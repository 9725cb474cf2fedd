/* SPDX-License-Identifier: Apache-2.0 */
/* topo_set.c - see topo_set.h. */
#include "topo_set.h"

#include <stdio.h>
#include <string.h>

void
topo_set_add(struct topo_set *set, size_t i)
{
	if (i < TOPO_IDS_MAX)
		set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

bool
topo_set_has(const struct topo_set *set, size_t i)
{
	return i < TOPO_IDS_MAX && (set->bits[i / 64] >> (i % 64) & 1);
}

bool
topo_set_within(const struct topo_set *inner, const struct topo_set *outer)
{
	for (size_t w = 0; w < TOPO_IDS_MAX / 64; w++) {
		if (inner->bits[w] & ~outer->bits[w])
			return false;
	}
	return true;
}

bool
topo_set_meets(const struct topo_set *a, const struct topo_set *b)
{
	for (size_t w = 0; w < TOPO_IDS_MAX / 64; w++) {
		if (a->bits[w] & b->bits[w])
			return true;
	}
	return false;
}

const char *
topo_set_text(const struct topo_set *set, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t id = 0; id < TOPO_IDS_MAX; id++) {
		size_t last = id;
		char part[48];
		int len;

		if (!topo_set_has(set, id))
			continue;
		while (topo_set_has(set, last + 1))
			last++;
		if (last == id)
			len = snprintf(part, sizeof(part), "%s%zu", used ? "," : "", id);
		else
			len = snprintf(part, sizeof(part), "%s%zu-%zu", used ? "," : "", id, last);
		if (used + (size_t)len + sizeof("...") > size) {
			snprintf(buffer + used, size - used, "...");
			return buffer;
		}
		memcpy(buffer + used, part, (size_t)len + 1);
		used += (size_t)len;
		id = last;
	}
	return buffer;
}
