/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_lackey.c - lines of `valgrind --tool=lackey --trace-mem=yes`:
 *
 *     ==4711== Lackey, an example Valgrind tool
 *     I  04001000,3
 *      S 1ffefffe78,8
 *      L 1ffefffe78,8
 *      M 04227ad0,4
 *
 * Instructions make the time; loads, stores and modifications are counted for the pages that they
 * touch. Lines with == or -- are valgrind's own talk.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import_lines.h"

#define INTERVAL_NS 10000000u
#define SLOTS_FIRST 4096u
#define PAGE_SHIFT 12
#define PAGES_MAX (1u << 22) /* 16 GiB; nobody waits for valgrind to go through more */

struct page {
	uint64_t number; /* plus 1; 0: the slot is free */
	uint64_t accesses;
};

struct lackey {
	struct import import;
	int32_t pid;
	double ns_per_step, now_ns, interval_from_ns;
	uint64_t instructions, accesses;
	struct page *pages; /* by hash */
	size_t slots, used;
	struct page *sorted; /* room for all of them */
};

static struct page *
find(struct page *pages, size_t slots, uint64_t number)
{
	size_t at = (number * 0x9e3779b97f4a7c15u >> 24) & (slots - 1);

	while (pages[at].number && pages[at].number != number)
		at = (at + 1) & (slots - 1);
	return &pages[at];
}

static int
grow(struct lackey *lackey)
{
	size_t slots = lackey->slots ? lackey->slots * 2 : SLOTS_FIRST;
	struct page *pages = calloc(slots, sizeof(*pages));
	struct page *sorted = realloc(lackey->sorted, slots * sizeof(*sorted));

	if (sorted)
		lackey->sorted = sorted;
	if (!pages || !sorted) {
		free(pages);
		return -ENOMEM;
	}
	for (size_t i = 0; i < lackey->slots; i++) {
		if (lackey->pages[i].number)
			*find(pages, slots, lackey->pages[i].number) = lackey->pages[i];
	}
	free(lackey->pages);
	lackey->pages = pages;
	lackey->slots = slots;
	return 0;
}

static int
count_access(struct lackey *lackey, uint64_t number, struct sluice_err *reterr)
{
	struct page *page;

	if (lackey->used * 4 >= lackey->slots * 3 && grow(lackey) < 0)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	page = find(lackey->pages, lackey->slots, number + 1);
	if (!page->number && lackey->used == PAGES_MAX)
		return import_bad(&lackey->import, reterr, "more than %u pages of memory",
				  PAGES_MAX);
	if (!page->number) {
		page->number = number + 1;
		lackey->used++;
	}
	page->accesses++;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* All pages that there are, also those that nobody accessed: what is not told is not known. */
static int
end_interval(struct lackey *lackey, struct sluice_err *reterr)
{
	double seconds = (lackey->now_ns - lackey->interval_from_ns) / 1e9;
	size_t count = 0;

	if (!lackey->used || seconds <= 0)
		return 0;
	for (size_t i = 0; i < lackey->slots; i++) {
		if (!lackey->pages[i].number)
			continue;
		lackey->sorted[count++] = lackey->pages[i];
		lackey->pages[i].accesses = 0;
	}
	qsort(lackey->sorted, count, sizeof(*lackey->sorted), by_number);
	for (size_t i = 0; i < count;) {
		size_t run = 1;
		int r;
		struct sluice_trace_sample sample = {
			.kind = SLUICE_TRACE_EXACT,
			.pid = lackey->pid,
			.addr = (lackey->sorted[i].number - 1) << PAGE_SHIFT,
			.time_ns = IMPORT_EARLIEST_NS + (uint64_t)lackey->now_ns,
			.events = (float)lackey->sorted[i].accesses,
			.exposure_s = (float)seconds,
		};

		while (i + run < count &&
		       lackey->sorted[i + run].number == lackey->sorted[i].number + run &&
		       lackey->sorted[i + run].accesses == lackey->sorted[i].accesses)
			run++;
		sample.len_bytes = (uint64_t)run << PAGE_SHIFT;
		r = import_sample(&lackey->import, &sample, reterr);
		if (r < 0)
			return r;
		i += run;
	}
	lackey->interval_from_ns = lackey->now_ns;
	return 0;
}

/* "==4711== ..." tells whose it is. */
static void
take_talk(struct lackey *lackey, int may_set)
{
	const char *at = lackey->import.line + 2;
	uint64_t pid;

	if (may_set && import_decimal(&at, &pid) && pid > 0 && pid <= INT32_MAX &&
	    strncmp(at, "==", 2) == 0)
		lackey->pid = (int32_t)pid;
}

static int
take_line(struct lackey *lackey, int may_set_pid, struct sluice_err *reterr)
{
	struct import *import = &lackey->import;
	const char *line = import->line, *at;
	uint64_t addr, size;
	char kind;

	if (!line[0])
		return 0;
	if (strncmp(line, "==", 2) == 0 || strncmp(line, "--", 2) == 0) {
		take_talk(lackey, may_set_pid && !lackey->used);
		return 0;
	}
	at = line + strspn(line, " ");
	kind = *at;
	if (at - line > 1 || !kind || !strchr("ILSM", kind) || at[1] != ' ')
		return import_bad(
			import, reterr,
			"'%.60s' is no line of lackey, which begin with 'I  ', ' L ', ' S ' "
			"or ' M '",
			line);
	at++;
	at += strspn(at, " ");
	if (!import_hex(&at, &addr) || *at != ',' || (at++, !import_decimal(&at, &size)) || *at ||
	    !size || size > 65536 || addr > UINT64_MAX >> 1)
		return import_bad(import, reterr,
				  "no address and size, like '1ffefffe78,8', in "
				  "'%.60s'",
				  line);
	if (kind == 'I') {
		lackey->instructions++;
		lackey->now_ns += lackey->ns_per_step;
	} else {
		for (uint64_t page = addr >> PAGE_SHIFT; page <= (addr + size - 1) >> PAGE_SHIFT;
		     page++) {
			int r = count_access(lackey, page, reterr);

			if (r < 0)
				return r;
		}
		/* Where instructions were not traced, accesses are the clock. */
		if (!lackey->instructions)
			lackey->now_ns += lackey->ns_per_step;
		lackey->accesses++;
	}
	return lackey->now_ns - lackey->interval_from_ns >= INTERVAL_NS
		       ? end_interval(lackey, reterr)
		       : 0;
}

int
import_lackey(FILE *in, const char *name, const struct import_options *options,
	      struct sluice_trace_writer *writer, struct import_stats *ret,
	      struct sluice_err *reterr)
{
	struct lackey *lackey = calloc(1, sizeof(*lackey));
	int r;

	if (!lackey)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	lackey->pid = options->pid > 0 ? options->pid : 1;
	lackey->ns_per_step = options->ns_per_step > 0 ? options->ns_per_step : 1;
	r = import_begin(&lackey->import, in, name, writer, "lackey", reterr);
	while (r == 0 && (r = import_line(&lackey->import, reterr)) == 1)
		r = take_line(lackey, options->pid <= 0, reterr);
	if (r == 0)
		r = end_interval(lackey, reterr);
	r = import_end(&lackey->import, r, ret, reterr);
	free(lackey->pages);
	free(lackey->sorted);
	free(lackey);
	return r;
}
