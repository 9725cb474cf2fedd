/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.h - numbers with units, as people write them. All of the text must be understood:
 * "12 parsecs" is an error, never 12. Any thread.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

/* Each: 0, or -EINVAL / -ERANGE with a sentence that names the text and what is allowed. */
int parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
	      struct sluice_err *reterr);
/* "700M", "1.5G", "4096"; binary multiples; suffixes B K M G T, KiB ... accepted. */
int parse_size(const char *text, uint64_t *ret_bytes, struct sluice_err *reterr);
/* "200M", "200MB/s": like parse_size, with an optional "/s" or "B/s". */
int parse_rate(const char *text, uint64_t *ret_bps, struct sluice_err *reterr);
/* "500ms", "10s", "2m", "1h"; the unit is required. */
int parse_duration_ms(const char *text, uint64_t *ret_ms, struct sluice_err *reterr);
/* "3%", "0.5%"; 0 to 100; the sign is required. */
int parse_percent(const char *text, double *ret_percent, struct sluice_err *reterr);
/* "yes" "no" "true" "false" "on" "off" "1" "0". */
int parse_bool(const char *text, int *ret, struct sluice_err *reterr);

/* "1.5 GiB", "12 KiB": for people. buffer >= 16 bytes; returns buffer. */
const char *format_size(uint64_t bytes, char *buffer, size_t size);

#endif
