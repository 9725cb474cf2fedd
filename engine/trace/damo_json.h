/* SPDX-License-Identifier: Apache-2.0 */
/* damo_json.h - recordings of `damo record` as JSON. */
#ifndef TRACE_DAMO_JSON_H
#define TRACE_DAMO_JSON_H

#include "damo_snapshots.h"

/* Reads import's stream to its end. -EBADMSG: it is not what it should be, by line. */
int damo_json_read(struct import *import, int is_compressed, struct damo_snapshots *snapshots,
		   struct sluice_err *reterr);

#endif
