/* SPDX-License-Identifier: Apache-2.0 */
/* pmu_format.c - see pmu_format.h. */
#include "pmu_format.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

#define DEVICES "/sys/bus/event_source/devices"

/* A decimal number below 64, and what stands behind it. */
static int
bit_parse(const char **text, uint8_t *ret)
{
	unsigned int value = 0;

	if (!isdigit((unsigned char)**text))
		return -EBADMSG;
	while (isdigit((unsigned char)**text)) {
		value = value * 10 + (unsigned int)(*(*text)++ - '0');
		if (value > 63)
			return -EBADMSG;
	}
	*ret = (uint8_t)value;
	return 0;
}

int
pmu_field_parse(const char *text, struct pmu_field *ret)
{
	struct pmu_field field = {0};

	if (strncmp(text, "config", 6) != 0)
		return -EBADMSG;
	text += 6;
	if (*text == '1' || *text == '2')
		field.word = (unsigned int)(*text++ - '0');
	if (*text++ != ':')
		return -EBADMSG;
	do {
		uint8_t low, high;

		if (field.ranges == PMU_RANGES_MAX || bit_parse(&text, &low) < 0)
			return -EBADMSG;
		high = low;
		if (*text == '-') {
			text++;
			if (bit_parse(&text, &high) < 0 || high < low)
				return -EBADMSG;
		}
		field.range[field.ranges].low = low;
		field.range[field.ranges++].high = high;
	} while (*text == ',' && text++);
	if (*text)
		return -EBADMSG;
	*ret = field;
	return 0;
}

int
pmu_field_set(const struct pmu_field *field, uint64_t value, struct pmu_code *code)
{
	uint64_t word = code->word[field->word];

	for (unsigned int i = 0; i < field->ranges; i++) {
		unsigned int low = field->range[i].low, bits = field->range[i].high - low + 1u;
		uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

		word = (word & ~(mask << low)) | (value & mask) << low;
		value = bits == 64 ? 0 : value >> bits;
	}
	if (value)
		return -ERANGE;
	code->word[field->word] = word;
	return 0;
}

int
pmu_terms_parse(const char *text, int (*each)(void *ctx, const char *name, uint64_t value),
		void *ctx)
{
	do {
		size_t length = strcspn(text, ",");
		char term[64], *equals, *end;
		uint64_t value = 1;
		int r;

		if (length == 0 || length >= sizeof(term))
			return -EBADMSG;
		memcpy(term, text, length);
		term[length] = '\0';
		equals = strchr(term, '=');
		if (equals) {
			*equals++ = '\0';
			if (!isxdigit((unsigned char)*equals))
				return -EBADMSG;
			errno = 0;
			value = strtoull(equals, &end, 0);
			if (*end || errno)
				return -EBADMSG;
		}
		/* It becomes the name of a file (invariant 18). */
		if (!term[0] || term[0] == '.' || strchr(term, '/'))
			return -EBADMSG;
		r = each(ctx, term, value);
		if (r < 0)
			return r;
		text += length;
	} while (*text == ',' && text++);
	return 0;
}

static int
device_line(const char *sysroot, const char *device, const char *folder, const char *name,
	    char *ret, size_t size)
{
	char path[256];
	int r;

	if (snprintf(path, sizeof(path), DEVICES "/%s/%s%s%s", device, folder, *folder ? "/" : "",
		     name) >= (int)sizeof(path))
		return -ENOENT;
	r = procfs_line(sysroot, 0, path, ret, size);
	return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

static int
device_number(const char *sysroot, const char *device, const char *folder, const char *name,
	      int64_t *ret)
{
	char line[64], *end;
	int r = device_line(sysroot, device, folder, name, line, sizeof(line));
	long long value;

	if (r < 0)
		return r;
	errno = 0;
	value = strtoll(line, &end, 0);
	if (end == line || *end || errno)
		return -EBADMSG;
	*ret = value;
	return 0;
}

int
pmu_device_type(const char *sysroot, const char *device, uint32_t *ret)
{
	int64_t type;
	int r = device_number(sysroot, device, "", "type", &type);

	if (r < 0)
		return r;
	if (type < 0 || type > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)type;
	return 0;
}

int
pmu_device_field(const char *sysroot, const char *device, const char *name, struct pmu_field *ret)
{
	char line[256];
	int r = device_line(sysroot, device, "format", name, line, sizeof(line));

	return r < 0 ? r : pmu_field_parse(line, ret);
}

int
pmu_device_set(const char *sysroot, const char *device, const char *name, uint64_t value,
	       struct pmu_code *code)
{
	struct pmu_field field;
	int r = pmu_device_field(sysroot, device, name, &field);

	return r < 0 ? r : pmu_field_set(&field, value, code);
}

struct building {
	const char *sysroot, *device;
	struct pmu_code code;
};

static int
add_term(void *ctx, const char *name, uint64_t value)
{
	struct building *building = ctx;
	int r = pmu_device_set(building->sysroot, building->device, name, value, &building->code);

	return r == -ENOENT ? -EBADMSG : r;
}

int
pmu_device_event(const char *sysroot, const char *device, const char *event, struct pmu_code *ret)
{
	struct building building = {.sysroot = sysroot, .device = device};
	char line[256];
	int r = device_line(sysroot, device, "events", event, line, sizeof(line));

	if (r == 0)
		r = pmu_device_type(sysroot, device, &building.code.type);
	if (r == 0)
		r = pmu_terms_parse(line, add_term, &building);
	if (r == 0)
		*ret = building.code;
	return r;
}

int
pmu_device_cap(const char *sysroot, const char *device, const char *cap, int64_t *ret)
{
	return device_number(sysroot, device, "caps", cap, ret);
}

int
pmu_device_cap_text(const char *sysroot, const char *device, const char *cap, char *ret,
		    size_t size)
{
	return device_line(sysroot, device, "caps", cap, ret, size);
}
