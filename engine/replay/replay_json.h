/* SPDX-License-Identifier: Apache-2.0 */
/* replay_json.h - a replay's outcome as one document: figures for programs, and what bench/report
 * draws ("sluice-result/1"). */
#ifndef REPLAY_JSON_H
#define REPLAY_JSON_H

#include <jansson.h>

#include "replay_jobs.h"

/* NULL when there is no memory. */
json_t *replay_json(const struct replay_options *options, const struct replay_outcome *outcome);
json_t *replay_list_json(void); /* workloads, trackers and kinds of tiers that there are */

#endif
