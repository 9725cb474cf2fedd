/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measuring.h - a measurement of memory (topology/measure) that runs in a thread of its own while
 * the control thread answers. Only a private service measures: a public one tiers meanwhile, and
 * would disturb what it measures. Control thread only.
 */
#ifndef SERVICE_MEASURING_H
#define SERVICE_MEASURING_H

#include <jansson.h>

#include "options.h"
#include "sluice/err.h"

struct measuring;

/* Members of the request, each optional: "time_ms", "memory_bytes" (on one node), "pairs"
 * ([[CPU-NODE, MEMORY-NODE], ...]). -EBADMSG: one of them is wrong; -EOPNOTSUPP: under a sysroot.
 * What only the measurement finds out comes with measuring_status(). options are borrowed. */
int measuring_start(const struct options *options, const json_t *request, struct measuring **ret,
		    struct sluice_err *reterr);
/* End soon, and keep the pairs that are complete. */
void measuring_stop(struct measuring *measuring);
/* While it runs "running" is true and there is "progress"; then the result, as sluice(1) has it. A
 * measurement that failed gives its negative errno. *ret is the caller's. */
int measuring_status(struct measuring *measuring, json_t **ret, struct sluice_err *reterr);
/* Ends it first, and then keeps nothing. NULL is fine. */
void measuring_free(struct measuring *measuring);

#endif
