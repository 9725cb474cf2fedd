/* SPDX-License-Identifier: Apache-2.0 */
/* policy_check_json.h - the answer to `sluice policy check`; see sluice(1). */
#ifndef SERVICE_POLICY_CHECK_JSON_H
#define SERVICE_POLICY_CHECK_JSON_H

#include <jansson.h>

#include "options.h"
#include "sluice/err.h"

/* request: "path" (a name or a path), and optionally "quick" (true: no more than 1 TiB). The
 * settings and folders are those of the options. Takes seconds. *ret is the caller's. -EBADMSG; and
 * as policy_check(). */
int policy_check_to_json(const struct options *options, const json_t *request, json_t **ret,
			 struct sluice_err *reterr);

#endif
