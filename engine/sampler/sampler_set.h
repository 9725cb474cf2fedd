/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler_set.h - several trackers on one target: "hintfault+damon" as the user writes it, and
 * which of them may watch together. Pure.
 */
#ifndef SAMPLER_SET_H
#define SAMPLER_SET_H

#include "ops.h"
#include "round.h"

struct sampler_set {
	const struct sampler_ops *ops[ROUND_SAMPLERS_MAX];
	size_t count; /* 0: "auto" */
};

/* -EINVAL: a name that there is not, one given twice, too many, or two that disturb each other; the
 * sentence says which, and why. */
int sampler_set_parse(const char *text, struct sampler_set *ret, struct sluice_err *reterr);

/* Why the two must not watch together, as the end of a sentence; NULL: they may. */
const char *sampler_set_clash(const struct sampler_ops *a, const struct sampler_ops *b);

#endif
