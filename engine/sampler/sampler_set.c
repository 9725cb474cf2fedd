/* SPDX-License-Identifier: Apache-2.0 */
/* sampler_set.c - see sampler_set.h. */
#include "sampler_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sampler_registry.h"

const char *
sampler_set_clash(const struct sampler_ops *a, const struct sampler_ops *b)
{
	if (a->uses & b->uses & SAMPLER_ACCESSED_BITS)
		return "both clear the accessed bits of pages, and each would take from the other "
		       "what it looks for";
	if (a->uses & b->uses & SAMPLER_PAGE_MARKS)
		return "both mark pages one by one, and a page that one of them has marked would "
		       "look untouched to the other";
	return NULL;
}

static int
unknown(const char *name, struct sluice_err *reterr)
{
	char names[256] = "auto";
	size_t used = strlen(names);

	for (size_t i = 0; sampler_at(i) && used < sizeof(names); i++) {
		if (!sampler_at(i)->for_tests)
			used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s",
						 sampler_at(i)->name);
	}
	return sluice_fail(reterr, -EINVAL, "there is no sampler '%s'; known: %s", name, names);
}

static int
set_add(struct sampler_set *set, const char *name, struct sluice_err *reterr)
{
	const struct sampler_ops *ops = sampler_by_name(name);

	if (!ops && strcmp(name, "auto") == 0)
		return sluice_fail(reterr, -EINVAL,
				   "sampler: 'auto' chooses by itself and stands alone; name all "
				   "that are to watch together");
	if (!ops)
		return unknown(name, reterr);
	if (set->count == ROUND_SAMPLERS_MAX)
		return sluice_fail(reterr, -EINVAL, "sampler: at most %d can watch together",
				   ROUND_SAMPLERS_MAX);
	for (size_t i = 0; i < set->count; i++) {
		const char *why = sampler_set_clash(set->ops[i], ops);

		if (set->ops[i] == ops)
			return sluice_fail(reterr, -EINVAL, "sampler: '%s' is named twice", name);
		if (why)
			return sluice_fail(reterr, -EINVAL,
					   "the samplers '%s' and '%s' cannot watch together: %s",
					   set->ops[i]->name, name, why);
	}
	set->ops[set->count++] = ops;
	return 0;
}

int
sampler_set_parse(const char *text, struct sampler_set *ret, struct sluice_err *reterr)
{
	struct sampler_set set = {.count = 0};
	int samples = 0, r = 0;

	if (strcmp(text, "auto") == 0) {
		*ret = set;
		return 0;
	}
	for (const char *at = text; r == 0; at++) {
		size_t len = strcspn(at, "+");
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31), at);
		r = set_add(&set, name, reterr);
		at += len;
		if (!*at)
			break;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < set.count; i++)
		samples |= !set.ops[i]->no_samples;
	if (!samples)
		return sluice_fail(
			reterr, -EINVAL,
			"the sampler '%s' tells no heat, so nothing could be placed by it; "
			"name another with it, as in hintfault+%s",
			set.ops[0]->name, set.ops[0]->name);
	*ret = set;
	return 0;
}
