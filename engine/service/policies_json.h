/* SPDX-License-Identifier: Apache-2.0 */
/* policies_json.h - the policies in the configured folders as JSON; see sluice(1). */
#ifndef SERVICE_POLICIES_JSON_H
#define SERVICE_POLICIES_JSON_H

#include <jansson.h>

#include "options.h"
#include "sluice/err.h"

/* {"folders":[...],"policies":[{name,summary,path,params,problem}...]}; problem is null for those
 * that load. *ret is the caller's. -ENOMEM, or what reading the folders gave. */
int policies_to_json(const struct options *options, json_t **ret, struct sluice_err *reterr);

struct policy_card;
json_t *policy_params_to_json(const struct policy_card *card); /* NULL: none */

#endif
