/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - from facts to steps. A device that is half way (an earlier run was killed) is taken from
 * where it is: steps whose work is done already are left out.
 */
#include "change.h"

#include <errno.h>
#include <string.h>

#include "../sysroot.h"

#define CXL "sys/bus/cxl/devices/"

static void
size_text(uint64_t bytes, char *buffer, size_t size)
{
	if (bytes >= 1ull << 30)
		snprintf(buffer, size, "%.1f GiB", (double)bytes / (double)(1ull << 30));
	else
		snprintf(buffer, size, "%llu MiB", (unsigned long long)(bytes >> 20));
}

/* The order is the kernel's: a region is described, given its decoder, committed, then driven. */
static void
plan_region(struct change *change)
{
	const struct device_facts *facts = &change->facts;
	char create[128], delete[128], region[128], path[160], size[32], bytes[32], sentence[200];
	char text[16];
	uint64_t dpa;

	snprintf(region, sizeof(region), CXL "%s", facts->region);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)facts->size_bytes);
	size_text(facts->size_bytes, size, sizeof(size));
	snprintf(create, sizeof(create), CXL "%s/create_ram_region", facts->window);
	snprintf(delete, sizeof(delete), CXL "%s/delete_region", facts->window);
	snprintf(sentence, sizeof(sentence), "make %s in the window %s", facts->region,
		 facts->window);
	step_write(change, sentence, create, facts->region, delete, facts->region);
	/* One device, so its addresses alternate with nobody's; its deletion undoes all three. */
	snprintf(path, sizeof(path), "%s/interleave_granularity", region);
	step_write(change, "set its interleave granularity to 256", path, "256", NULL, NULL);
	snprintf(path, sizeof(path), "%s/interleave_ways", region);
	step_write(change, "set its interleave ways to 1", path, "1", NULL, NULL);
	snprintf(path, sizeof(path), "%s/size", region);
	snprintf(sentence, sizeof(sentence), "give it %s of addresses", size);
	step_write(change, sentence, path, bytes, NULL, NULL);
	/* The mode of a decoder without memory means nothing, so it is not put back. */
	if (sysroot_read(change->root, text, sizeof(text), CXL "%s/mode", facts->decoder) <= 0 ||
	    strcmp(text, "ram") != 0) {
		snprintf(path, sizeof(path), CXL "%s/mode", facts->decoder);
		snprintf(sentence, sizeof(sentence), "set the decoder %s to volatile memory",
			 facts->decoder);
		step_write(change, sentence, path, "ram", NULL, NULL);
	}
	if (sysroot_read_number(change->root, 0, UINT64_MAX, &dpa, CXL "%s/dpa_size",
				facts->decoder) < 0 ||
	    dpa != facts->size_bytes) {
		snprintf(path, sizeof(path), CXL "%s/dpa_size", facts->decoder);
		snprintf(sentence, sizeof(sentence), "give the decoder %s of %s's memory", size,
			 facts->name);
		step_write(change, sentence, path, bytes, path, "0");
	}
	snprintf(path, sizeof(path), "%s/target0", region);
	snprintf(sentence, sizeof(sentence), "make %s the target of %s", facts->decoder,
		 facts->region);
	step_write(change, sentence, path, facts->decoder, path, "\n");
	snprintf(path, sizeof(path), "%s/commit", region);
	snprintf(sentence, sizeof(sentence), "commit %s to the hardware", facts->region);
	step_write(change, sentence, path, "1", path, "0");
}

static void
plan_region_driver(struct change *change)
{
	char sentence[DEVICE_SENTENCE_BYTES];

	snprintf(sentence, sizeof(sentence), "give %s to its driver", change->facts.region);
	step_write(change, sentence, "sys/bus/cxl/drivers/cxl_region/bind", change->facts.region,
		   "sys/bus/cxl/drivers/cxl_region/unbind", change->facts.region);
}

static void
ask_online(struct change *change)
{
	const struct device_facts *facts = &change->facts;
	char size[32];

	if (!facts->persistent || facts->driver == DRIVER_KMEM)
		return;
	size_text(facts->size_bytes, size, sizeof(size));
	if (facts->kind == DEVICE_NAMESPACE && !facts->dax[0])
		snprintf(change->question, sizeof(change->question),
			 "%s (%s, mode %s) is made anew as a dax device, and everything that is "
			 "stored in it is lost",
			 facts->name, size, facts->mode);
	else
		snprintf(change->question, sizeof(change->question),
			 "%s (%s) is persistent memory, and everything that is stored in it is "
			 "lost when it serves as plain memory",
			 facts->kind == DEVICE_NAMESPACE ? facts->name : facts->dax, size);
}

/* Is there nothing to do? */
static int
is_online(struct change *change)
{
	if (change->facts.driver != DRIVER_KMEM || blocks_find(change, NULL) < 0)
		return 0;
	for (size_t i = 0; i < change->block_count; i++) {
		if (block_read(change->root, change->blocks[i].id) != change->want)
			return 0;
	}
	return 1;
}

int
plan_online(struct change *change, struct sluice_err *reterr)
{
	const struct device_facts *facts = &change->facts;

	if (facts->driver == DRIVER_OTHER)
		return sluice_fail(
			reterr, -EBUSY,
			"%s has another driver than device_dax and kmem; unbind that first",
			facts->dax);
	if (is_online(change))
		return 0;
	ask_online(change);
	if (facts->kind == DEVICE_CXL && !facts->dax[0]) {
		if (facts->why_not[0])
			return sluice_fail(reterr, -ENODEV, "%s", facts->why_not);
		step_load(change, "device_dax kmem dax_cxl");
		if (!facts->has_region)
			plan_region(change);
		if (!facts->region_enabled)
			plan_region_driver(change);
		step_find_dax(change);
	} else if (facts->kind == DEVICE_NAMESPACE && !facts->dax[0]) {
		step_load(change, "device_dax kmem dax_pmem");
		step_make_devdax(change);
		step_find_dax(change);
	} else {
		step_load(change, "kmem");
	}
	step_drive(change, DRIVER_KMEM);
	step_find_blocks(change);
	step_online_blocks(change);
	step_check_node(change);
	return 0;
}

/* Back to what a CXL device is without us: no region, no memory given to its decoder. */
static void
plan_region_removal(struct change *change)
{
	const struct device_facts *facts = &change->facts;
	char path[128], create[128], sentence[200], bytes[32];

	snprintf(sentence, sizeof(sentence), "take %s from its driver", facts->region);
	if (facts->region_enabled)
		step_write(change, sentence, "sys/bus/cxl/drivers/cxl_region/unbind", facts->region,
			   "sys/bus/cxl/drivers/cxl_region/bind", facts->region);
	snprintf(path, sizeof(path), CXL "%s/commit", facts->region);
	snprintf(sentence, sizeof(sentence), "take %s back from the hardware", facts->region);
	step_write(change, sentence, path, "0", path, "1");
	snprintf(path, sizeof(path), CXL "%s/target0", facts->region);
	snprintf(sentence, sizeof(sentence), "take %s out of %s", facts->decoder, facts->region);
	step_write(change, sentence, path, "\n", path, facts->decoder);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)facts->size_bytes);
	snprintf(path, sizeof(path), CXL "%s/dpa_size", facts->decoder);
	snprintf(sentence, sizeof(sentence), "take %s's memory from the decoder", facts->name);
	step_write(change, sentence, path, "0", path, bytes);
	/* The last step: nothing that could fail comes after what cannot be undone. */
	snprintf(create, sizeof(create), CXL "%s/delete_region", facts->window);
	snprintf(sentence, sizeof(sentence), "delete %s", facts->region);
	step_write(change, sentence, create, facts->region, NULL, NULL);
}

int
plan_offline(struct change *change, struct sluice_err *reterr)
{
	const struct device_facts *facts = &change->facts;
	int removable = facts->kind == DEVICE_CXL && facts->has_region && facts->removable_region;
	int r;

	if (facts->driver == DRIVER_KMEM) {
		r = blocks_find(change, reterr);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0)
			step_offline_blocks(change);
		if (removable) {
			step_drive(change, DRIVER_NONE);
		} else {
			step_load(change, "device_dax");
			step_drive(change, DRIVER_DEVDAX);
		}
	}
	if (removable)
		plan_region_removal(change);
	return 0;
}
