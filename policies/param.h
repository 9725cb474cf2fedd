/* SPDX-License-Identifier: Apache-2.0 */
/* param.h - read a policy's number parameters; for use in init(). */
#ifndef POLICIES_PARAM_H
#define POLICIES_PARAM_H

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "sluice/policy.h"

/* The text of params[k] as a number in [min, max]. Returns 0 or -EINVAL with a sentence. */
static inline int
param_number(const struct sluice_param *params, const char *const *values, size_t k, double min,
	     double max, double *ret, struct sluice_err *reterr)
{
	char *end;
	double number = strtod(values[k], &end);

	/* Written so that "nan" fails too. */
	if (end == values[k] || *end || !(number >= min && number <= max))
		return sluice_fail(reterr, -EINVAL, "'%s = %s' must be a number from %g to %g",
				   params[k].key, values[k], min, max);
	*ret = number;
	return 0;
}

#endif
