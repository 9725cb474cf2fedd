/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - why a page is where it is, as of the last decision; see round_explain() of round.h.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "round_parts.h"

/* Is the page one of those that the entry stands for? */
static int
entry_has(const struct round *round, size_t i, uint64_t addr)
{
	uint64_t addrs[HEAT_REGION_PAGES];
	size_t count = heat_entry_pages(round->heat, i, addrs, HEAT_REGION_PAGES);

	if (heat_entry_unit(round->heat, i) == HEAT_REGION_BYTES)
		return count > 0;
	for (size_t p = 0; p < count; p++) {
		if (addrs[p] == addr - addr % HEAT_PAGE_BYTES)
			return 1;
	}
	return 0;
}

/* The entry of a page, or the largest of its region when it is not known which. */
static int64_t
find_entry(const struct round *round, int32_t pid, uint64_t addr, int *ret_exact)
{
	int64_t largest = -1;

	for (size_t i = 0; i < round->entry_count; i++) {
		const struct sluice_region *entry = &round->entries[i];

		if (entry->pid != pid || addr < entry->addr ||
		    addr - entry->addr >= entry->span_bytes)
			continue;
		if (entry_has(round, i, addr)) {
			*ret_exact = 1;
			return (int64_t)i;
		}
		if (largest < 0 || entry->bytes > round->entries[largest].bytes)
			largest = (int64_t)i;
	}
	*ret_exact = 0;
	return largest;
}

static void
rank(const struct round *round, struct round_explanation *ret)
{
	const struct sluice_region *own = &ret->entry;

	ret->fast_coldest = HUGE_VALF;
	for (size_t i = 0; i < round->entry_count; i++) {
		const struct sluice_region *entry = &round->entries[i];

		if (entry->heat > own->heat)
			ret->hotter_bytes += entry->bytes;
		if (entry->tier == 0) {
			ret->fast_bytes += entry->bytes;
			if (entry->heat < own->heat)
				ret->fast_colder_bytes += entry->bytes;
			/* What was never watched is no measure. */
			if (isfinite(entry->heat_high) && entry->heat < ret->fast_coldest)
				ret->fast_coldest = entry->heat;
		}
	}
	if (round->tier_count)
		ret->fast_bytes += round->tiers[0].room_bytes;
}

int
round_explain(const struct round *round, int32_t pid, uint64_t addr, struct round_explanation *ret,
	      struct sluice_err *reterr)
{
	struct round_explanation all = {0};
	int64_t i;

	if (!round->stats.rounds)
		return sluice_fail(reterr, -EAGAIN, "nothing has been decided yet; try again");
	i = find_entry(round, pid, addr, &all.exact);
	if (i < 0)
		return sluice_fail(reterr, -EFAULT,
				   "address 0x%llx of process %d is in no memory that is tiered: "
				   "not mapped, not resident, or placed by its owner (see "
				   "/proc/%d/maps)",
				   (unsigned long long)addr, pid, pid);
	all.entry = round->entries[i];
	all.unit_bytes = heat_entry_unit(round->heat, (size_t)i);
	all.decided_ns = round->decided_ns;
	all.page_move_ns = round->stats.page_move_ns;
	all.horizon_ms = round->stats.horizon_ms;
	all.dry_run = round->options.dry_run;
	all.tier_count = round->tier_count;
	memcpy(all.tiers, round->tiers, sizeof(all.tiers));
	rank(round, &all);
	all.line_count = journal_find(&round->journal, pid, addr, all.lines, ROUND_EXPLAIN_LINES);
	*ret = all;
	return 0;
}
