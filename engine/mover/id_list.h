/* SPDX-License-Identifier: Apache-2.0 */
/* id_list.h - the kernel's lists of nodes and CPUs, "0-1,4". */
#ifndef MOVER_ID_LIST_H
#define MOVER_ID_LIST_H

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

/* Calls back for each number below limit; what is no list ends it. */
static inline void
id_list_walk(const char *text, uint32_t limit, void (*each)(void *context, uint32_t id),
	     void *context)
{
	while (isdigit((unsigned char)*text)) {
		char *stop;
		unsigned long first = strtoul(text, &stop, 10), last = first;

		if (*stop == '-' && isdigit((unsigned char)stop[1]))
			last = strtoul(stop + 1, &stop, 10);
		for (unsigned long id = first; id <= last && id < limit; id++)
			each(context, (uint32_t)id);
		if (*stop != ',')
			break;
		text = stop + 1;
	}
}

#endif
