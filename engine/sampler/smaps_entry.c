/* SPDX-License-Identifier: Apache-2.0 */
/* smaps_entry.c - see smaps_entry.h. */
#include "smaps_entry.h"

#include <math.h>

int
smaps_entry_line(struct smaps_entry *entry, const char *line, double watched_s,
		 struct sample *sample)
{
	struct procfs_map map;
	uint64_t referenced_kb;
	double pages, share, most;

	if (procfs_map_parse(line, &map)) {
		/* Programs and libraries are not what is moved. */
		entry->open = map.perms[1] == 'w';
		entry->start = map.start;
		entry->end = map.end;
		entry->resident_kb = 0;
		return 0;
	}
	if (!entry->open || procfs_number_parse(line, "Rss:", &entry->resident_kb) ||
	    !procfs_number_parse(line, "Referenced:", &referenced_kb))
		return 0;
	entry->open = 0;
	/* No more than the mapping holds, or the share below would round to 1. */
	if (entry->resident_kb > (entry->end - entry->start) / 1024)
		entry->resident_kb = (entry->end - entry->start) / 1024;
	if (entry->resident_kb < 4 || watched_s <= 0)
		return 0;
	/* Each resident page was looked at once, after watched_s. */
	pages = (double)entry->resident_kb / 4;
	share = (double)referenced_kb / (double)entry->resident_kb;
	most = 1 - 1 / (2 * pages);
	*sample = (struct sample){
		.addr = entry->start,
		.len_bytes = entry->end - entry->start,
		.kind = SAMPLE_RATE,
		.events = (float)-log(1 - (share < most ? share : most)),
		.exposure_s = (float)watched_s,
	};
	return 1;
}
