/* SPDX-License-Identifier: Apache-2.0 */
/* damon_event.c - see damon_event.h. */
#include "damon_event.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int
damon_format_parse(const char *text, struct damon_format *ret)
{
	struct damon_format format = {0};
	const struct {
		const char *name;
		struct damon_field *field;
	} fields[] = {
		{"common_pid", &format.common_pid},
		{"target_id", &format.target_id},
		{"start", &format.start},
		{"end", &format.end},
		{"nr_accesses", &format.nr_accesses},
	};
	const size_t count = sizeof(fields) / sizeof(*fields);

	/* "	field:unsigned long start;	offset:24;	size:8;	signed:0;" */
	for (const char *line = strstr(text, "field:"); line; line = strstr(line + 1, "field:")) {
		const char *end = strchr(line, ';'), *name = end;
		struct damon_field field;

		if (!end)
			break;
		while (name > line && name[-1] != ' ' && name[-1] != ':')
			name--;
		if (sscanf(end, "; offset:%9u; size:%9u;", &field.offset, &field.size) != 2)
			continue;
		for (size_t i = 0; i < count; i++) {
			if (strlen(fields[i].name) == (size_t)(end - name) &&
			    strncmp(fields[i].name, name, (size_t)(end - name)) == 0)
				*fields[i].field = field;
		}
	}
	for (size_t i = 0; i < count; i++) {
		const struct damon_field *field = fields[i].field;

		if ((field->size != 4 && field->size != 8) || field->offset > 4096)
			return -EBADMSG;
	}
	*ret = format;
	return 0;
}

static uint64_t
value(const void *raw, const struct damon_field *field)
{
	uint64_t wide;
	uint32_t narrow;

	if (field->size == 8) {
		memcpy(&wide, (const char *)raw + field->offset, 8);
		return wide;
	}
	memcpy(&narrow, (const char *)raw + field->offset, 4);
	return narrow;
}

int
damon_record_decode(const struct damon_format *format, const void *raw, size_t bytes,
		    struct damon_record *ret)
{
	const struct damon_field *fields[] = {&format->common_pid, &format->target_id,
					      &format->start, &format->end, &format->nr_accesses};
	struct damon_record record;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (fields[i]->offset + fields[i]->size > bytes)
			return -EBADMSG;
	}
	record.kdamond = (int32_t)value(raw, &format->common_pid);
	record.target = value(raw, &format->target_id);
	record.start = value(raw, &format->start) & ~(uint64_t)(HEAT_PAGE_BYTES - 1);
	record.end = value(raw, &format->end) & ~(uint64_t)(HEAT_PAGE_BYTES - 1);
	record.nr_accesses = (uint32_t)value(raw, &format->nr_accesses);
	if (record.start >= record.end)
		return -EBADMSG;
	*ret = record;
	return 0;
}

void
damon_rate(uint32_t seen, uint32_t checks, double sample_s, struct sample *sample)
{
	double n = checks > 0 ? checks : 1;
	double share = seen / n, most = 1 - 1 / (2 * n);

	sample->kind = SAMPLE_RATE;
	sample->events = (float)(n * -log(1 - (share < most ? share : most)));
	sample->exposure_s = (float)(n * sample_s);
}
