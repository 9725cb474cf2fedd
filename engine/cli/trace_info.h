/* SPDX-License-Identifier: Apache-2.0 */
/* trace_info.h - what is in a trace, gathered by reading all of it. */
#ifndef CLI_TRACE_INFO_H
#define CLI_TRACE_INFO_H

#include <jansson.h>
#include <stdio.h>

#include "sluice/err.h"
#include "sluice/trace.h"

/* Reads it to the end. As JSON, whose schema is in sluice(1); the caller's. -ENOMEM and what
 * reading gives. */
int trace_info_read(struct sluice_trace_reader *reader, const char *path, json_t **ret,
		    struct sluice_err *reterr);
void trace_info_print(const json_t *info, FILE *stream);

#endif
