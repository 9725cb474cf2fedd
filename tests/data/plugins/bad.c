/* SPDX-License-Identifier: Apache-2.0 */
/* bad.c - policies with one flaw each, chosen by the build: FLAW_..., for the loader's tests. */
#include <stdlib.h>

#include "sluice/policy.h"

/* None of this must ever run: each of these files is to be refused before. */
static int
bad_init(const struct sluice_host *host, const char *const *values, void **ret_self,
	 struct sluice_err *reterr)
{
	(void)host;
	(void)values;
	(void)ret_self;
	(void)reterr;
	abort();
}

static int
bad_decide(void *self, const struct sluice_view *view, struct sluice_plan *plan,
	   struct sluice_err *reterr)
{
	(void)self;
	(void)view;
	(void)plan;
	(void)reterr;
	abort();
}

#define WHOLE .name = NAME, .summary = "has a flaw", .init = bad_init, .decide = bad_decide

#if defined(FLAW_no_symbol)
__attribute__((visibility("default"))) const void *some_other_symbol = (const void *)bad_init;
int (*const use)(void *, const struct sluice_view *, struct sluice_plan *,
		 struct sluice_err *) = bad_decide;
#elif defined(FLAW_other_abi)
const struct sluice_policy sluice_policy = {
	.abi = SLUICE_POLICY_ABI + 1, .size = sizeof(struct sluice_policy), WHOLE};
#elif defined(FLAW_too_small)
const struct sluice_policy sluice_policy = {
	.abi = SLUICE_POLICY_ABI, .size = offsetof(struct sluice_policy, decide), WHOLE};
#elif defined(FLAW_boasts)
const struct sluice_policy sluice_policy = {
	.abi = SLUICE_POLICY_ABI, .size = 2 * sizeof(struct sluice_policy), WHOLE};
#elif defined(FLAW_no_name)
SLUICE_POLICY(.summary = "has a flaw", .init = bad_init, .decide = bad_decide);
#elif defined(FLAW_no_summary)
SLUICE_POLICY(.name = NAME, .init = bad_init, .decide = bad_decide);
#elif defined(FLAW_no_init)
SLUICE_POLICY(.name = NAME, .summary = "has a flaw", .decide = bad_decide);
int (*const use)(const struct sluice_host *, const char *const *, void **,
		 struct sluice_err *) = bad_init;
#elif defined(FLAW_no_decide)
SLUICE_POLICY(.name = NAME, .summary = "has a flaw", .init = bad_init);
int (*const use)(void *, const struct sluice_view *, struct sluice_plan *,
		 struct sluice_err *) = bad_decide;
#elif defined(FLAW_bad_name)
SLUICE_POLICY(.name = "Bad Name", .summary = "has a flaw", .init = bad_init, .decide = bad_decide);
#elif defined(FLAW_other_name)
SLUICE_POLICY(.name = "somebody", .summary = "has a flaw", .init = bad_init, .decide = bad_decide);
#elif defined(FLAW_no_fallback)
static const struct sluice_param params[] = {{"key", NULL, "help"}, {0}};
SLUICE_POLICY(WHOLE, .params = params);
#elif defined(FLAW_unresolved)
int nobody_has_this(void);
__attribute__((visibility("default"))) int calls_it(void);
int
calls_it(void)
{
	return nobody_has_this();
}
SLUICE_POLICY(WHOLE);
#else
#error "choose a flaw"
#endif
