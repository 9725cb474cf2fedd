/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmu_format.h - how a PMU wants its events written, as the files below
 * /sys/bus/event_source/devices/NAME/format and events tell: which field lies in which bits of
 * which word, and what a named event is made of. Pure but for pmu_device_*, which read these files.
 */
#ifndef SAMPLER_PMU_FORMAT_H
#define SAMPLER_PMU_FORMAT_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>

#define PMU_RANGES_MAX 8

struct pmu_field {
	unsigned int word; /* of config: 0, config1: 1, config2: 2 */
	unsigned int ranges;
	struct {
		uint8_t low, high;
	} range[PMU_RANGES_MAX]; /* the value's lowest bits go into the first */
};

/* What an event is written as. */
struct pmu_code {
	uint32_t type;
	uint64_t word[3];
};

/* "config:0-7,32-35". 0, or -EBADMSG. */
int pmu_field_parse(const char *text, struct pmu_field *ret);
/* -ERANGE: the value has more bits than the field. */
int pmu_field_set(const struct pmu_field *field, uint64_t value, struct pmu_code *code);

/* "event=0xcd,umask=0x1,ldlat=3,edge": call `each` for every term; a term without a value is 1; one
 * that is "?" has to be given by the user: -EBADMSG, like all that is no term. */
int pmu_terms_parse(const char *text, int (*each)(void *ctx, const char *name, uint64_t value),
		    void *ctx);

/* The number of a PMU. -ENOENT: this machine has none of this name. */
int pmu_device_type(const char *sysroot, const char *device, uint32_t *ret);
/* A field of its format. -ENOENT, -EBADMSG. */
int pmu_device_field(const char *sysroot, const char *device, const char *name,
		     struct pmu_field *ret);
int pmu_device_set(const char *sysroot, const char *device, const char *name, uint64_t value,
		   struct pmu_code *code);
/* One of its named events. -ENOENT, -EBADMSG, -ERANGE. */
int pmu_device_event(const char *sysroot, const char *device, const char *event,
		     struct pmu_code *ret);
/* A number, or a line of text, from its caps folder. -ENOENT. */
int pmu_device_cap(const char *sysroot, const char *device, const char *cap, int64_t *ret);
int pmu_device_cap_text(const char *sysroot, const char *device, const char *cap, char *ret,
			size_t size);

#endif
