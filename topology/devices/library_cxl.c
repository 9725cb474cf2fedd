/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_cxl.c - CXL memory devices by libcxl: which there are, which window and which decoder
 * each can use, which region it feeds. Regions themselves are made through sysfs (plan.c): libcxl
 * 76 (Debian 12) can make those of persistent memory only.
 */
#include <cxl/libcxl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../sysroot.h"
#include "change.h"
#include "libraries.h"

#define ALIGN_BYTES (256ull << 20) /* of every region, by the CXL specification */

static void
on_log(struct cxl_ctx *ctx, int priority, const char *file, int line, const char *fn,
       const char *format, va_list args)
{
	(void)ctx;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	library_log(format, args);
}

/* The decoder that is part of a region, else the first that is free: the kernel hands a device's
 * memory out to decoders in their order only. */
static void
find_decoder(struct cxl_port *port, struct device_facts *facts)
{
	struct cxl_decoder *decoder, *found = NULL;
	struct cxl_region *region = NULL;
	uint64_t taken = 0;

	cxl_decoder_foreach(port, decoder)
	{
		uint64_t dpa = cxl_decoder_get_dpa_size(decoder);
		struct cxl_region *its = cxl_decoder_get_region(decoder);

		if (dpa != UINT64_MAX && its &&
		    cxl_decoder_get_mode(decoder) == CXL_DECODER_MODE_RAM) {
			if (!region) {
				found = decoder;
				region = its;
			}
		} else if (!found && !its) {
			/* What a killed run gave it is taken over. */
			found = decoder;
		}
		if (decoder != found && dpa != UINT64_MAX &&
		    cxl_decoder_get_mode(decoder) == CXL_DECODER_MODE_RAM)
			taken += dpa;
	}
	if (!found) {
		snprintf(facts->why_not, sizeof(facts->why_not),
			 "%s has no decoder left that could map its memory", facts->name);
		return;
	}
	snprintf(facts->decoder, sizeof(facts->decoder), "%s", cxl_decoder_get_devname(found));
	if (!region) {
		facts->size_bytes -= taken < facts->size_bytes ? taken : facts->size_bytes;
		facts->size_bytes &= ~(ALIGN_BYTES - 1);
		return;
	}
	facts->has_region = 1;
	facts->size_bytes = cxl_region_get_size(region);
	facts->region_enabled = cxl_region_is_enabled(region) > 0;
	facts->removable_region =
		cxl_region_get_interleave_ways(region) == 1 && !cxl_decoder_is_locked(found);
	snprintf(facts->region, sizeof(facts->region), "%s", cxl_region_get_devname(region));
	snprintf(facts->window, sizeof(facts->window), "%s",
		 cxl_decoder_get_devname(cxl_region_get_decoder(region)));
}

/* The root decoder whose addresses lead to the device, and have room. */
static void
find_window(struct cxl_memdev *memdev, struct device_facts *facts)
{
	struct cxl_bus *bus = cxl_memdev_get_bus(memdev);
	struct cxl_decoder *decoder;
	uint64_t most = 0;
	int any = 0, root;

	cxl_decoder_foreach(cxl_bus_get_port(bus), decoder)
	{
		uint64_t room = cxl_decoder_get_max_available_extent(decoder);

		if (!cxl_decoder_is_volatile_capable(decoder) ||
		    !cxl_decoder_get_target_by_memdev(decoder, memdev) ||
		    cxl_decoder_get_nr_targets(decoder) != 1)
			continue;
		any = 1;
		if (room == UINT64_MAX)
			room = 0;
		if (room < facts->size_bytes) {
			most = room > most ? room : most;
			continue;
		}
		snprintf(facts->window, sizeof(facts->window), "%s",
			 cxl_decoder_get_devname(decoder));
		root = sysroot_open("");
		if (root < 0 ||
		    sysroot_read(root, facts->region, sizeof(facts->region),
				 "sys/bus/cxl/devices/%s/create_ram_region", facts->window) <= 0)
			snprintf(facts->why_not, sizeof(facts->why_not),
				 "this kernel cannot make regions of volatile memory (no "
				 "create_ram_region in %s: Linux 6.3 or later is needed)",
				 facts->window);
		if (root >= 0)
			close(root);
		return;
	}
	if (any)
		snprintf(facts->why_not, sizeof(facts->why_not),
			 "the windows that lead to %s have %llu MiB of addresses left, and it has "
			 "%llu "
			 "MiB; 'cxl list -R' shows what takes them",
			 facts->name, (unsigned long long)(most >> 20),
			 (unsigned long long)(facts->size_bytes >> 20));
	else
		snprintf(facts->why_not, sizeof(facts->why_not),
			 "no window of addresses for volatile memory leads to %s alone; the "
			 "firmware's "
			 "CXL table (CEDT) would have to have one",
			 facts->name);
}

static void
fill(struct cxl_memdev *memdev, struct device_facts *facts)
{
	struct cxl_endpoint *endpoint = cxl_memdev_get_endpoint(memdev);
	char folder[128];
	int root;

	*facts = (struct device_facts){.kind = DEVICE_CXL, .target_node = -1};
	snprintf(facts->name, sizeof(facts->name), "%s", cxl_memdev_get_devname(memdev));
	facts->serial = cxl_memdev_get_serial(memdev);
	facts->size_bytes = cxl_memdev_get_ram_size(memdev);
	if (facts->size_bytes == 0) {
		snprintf(
			facts->why_not, sizeof(facts->why_not),
			"%s has no volatile memory; its persistent memory becomes a namespace (cxl "
			"create-region -t pmem), and that can be brought online",
			facts->name);
		return;
	}
	if (!endpoint || !cxl_endpoint_is_enabled(endpoint)) {
		snprintf(facts->why_not, sizeof(facts->why_not),
			 "%s is not connected to any CXL window (no endpoint; are the modules "
			 "cxl_acpi, cxl_port and cxl_mem loaded?)",
			 facts->name);
		return;
	}
	find_decoder(cxl_endpoint_get_port(endpoint), facts);
	if (!facts->has_region) {
		if (!facts->why_not[0])
			find_window(memdev, facts);
		return;
	}
	root = sysroot_open("");
	if (root < 0)
		return;
	snprintf(folder, sizeof(folder), "sys/bus/cxl/devices/%s/dax_%s", facts->region,
		 facts->region);
	if (find_dax_under(root, folder, facts->dax) == 0)
		library_dax_facts(facts->dax, facts);
	facts->persistent = 0;
	close(root);
}

int
library_cxl_list(facts_each each, void *userdata, struct sluice_err *reterr)
{
	struct cxl_memdev *memdev;
	struct cxl_ctx *ctx;
	int r = cxl_new(&ctx);

	if (r < 0)
		return sluice_fail(reterr, r, "libcxl cannot be used: %s", strerror(-r));
	cxl_set_log_fn(ctx, on_log);
	r = 0;
	cxl_memdev_foreach(ctx, memdev)
	{
		struct device_facts facts;

		fill(memdev, &facts);
		r = each(userdata, &facts);
		if (r != 0)
			break;
	}
	cxl_unref(ctx);
	return r;
}
