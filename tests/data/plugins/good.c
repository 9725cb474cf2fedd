/* SPDX-License-Identifier: Apache-2.0 */
/* good.c - a policy that tells the test what the loader gave it, through its sentences. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/policy.h"

static const struct sluice_param params[] = {
	{"color", "blue", "what init() repeats"},
	{"size", "7", "what init() repeats too"},
	{0},
};

static int living; /* how many are between init() and fini() */

static int
good_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	  struct sluice_err *reterr)
{
	char *told;

	if (!host)
		return sluice_fail(reterr, -EFAULT, "no host");
	if (strcmp(values[0], "silent") == 0)
		return -EIO;
	if (strcmp(values[0], "positive") == 0)
		return 5;
	if (strcmp(values[0], "red") == 0)
		return sluice_fail(reterr, -ERANGE, "red is not a color of mine");
	told = malloc(strlen(values[0]) + strlen(values[1]) + 2);
	if (!told)
		return sluice_fail(reterr, -ENOMEM, "no memory");
	strcpy(told, values[0]);
	strcat(told, " ");
	strcat(told, values[1]);
	living++;
	*ret_self = told;
	return 0;
}

static int
good_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	    struct sluice_err *reterr)
{
	(void)view;
	(void)plan;
	return sluice_fail(reterr, -ECANCELED, "%d: %s", living, (const char *)self);
}

static void
good_fini(void *self)
{
	living--;
	free(self);
}

SLUICE_POLICY(.name = "good", .summary = "repeats what it was told", .params = params,
	      .init = good_init, .decide = good_decide, .fini = good_fini);
