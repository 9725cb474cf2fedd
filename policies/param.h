/* SPDX-License-Identifier: Apache-2.0 */
/* param.h - read a policy's number parameters; for use in init(). */
#ifndef POLICIES_PARAM_H
#define POLICIES_PARAM_H

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* All parameters are numbers within bounds[k], up to the key that is NULL; into ret[k]. */
struct param_bounds {
	double min, max;
};

static inline int
param_numbers(const struct sluice_param *params, const struct param_bounds *bounds,
	      const char *const *values, double *ret, struct sluice_err *reterr)
{
	for (size_t k = 0; params[k].key; k++) {
		int r = param_number(params, values, k, bounds[k].min, bounds[k].max, &ret[k],
				     reterr);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The text of params[k] as parts like "3:1", fastest tier first, at most `most` of them; into
 * ret[], of which the rest is 0. `word` instead gives no parts. Returns how many, or -EINVAL with a
 * sentence. */
static inline int
param_parts(const struct sluice_param *params, const char *const *values, size_t k,
	    const char *word, double *ret, int most, struct sluice_err *reterr)
{
	const char *text = values[k];
	double parts[16] = {0}, sum = 0;
	char *end;
	int count = 0;

	for (int more = strcmp(text, word) != 0; more; text = end + 1) {
		if (count == most || count == 16)
			return sluice_fail(reterr, -EINVAL,
					   "'%s = %s' has more parts than a machine can have "
					   "tiers, %d",
					   params[k].key, values[k], most);
		parts[count] = strtod(text, &end);
		more = *end == ':';
		sum += parts[count];
		if (end == text || (*end && !more) || !(parts[count] >= 0 && parts[count] <= 1e6) ||
		    (!more && !(sum > 0)))
			return sluice_fail(reterr, -EINVAL,
					   "'%s = %s' must be '%s' or numbers like 3:1, fastest "
					   "tier first, not all 0",
					   params[k].key, values[k], word);
		count++;
	}
	memcpy(ret, parts, (size_t)most * sizeof(*ret));
	return count;
}

#endif
