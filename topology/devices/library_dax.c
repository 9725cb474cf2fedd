/* SPDX-License-Identifier: Apache-2.0 */
/* library_dax.c - dax devices by libdaxctl: which there are, who drives them, another driver. */
#include <daxctl/libdaxctl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../sysroot.h"
#include "change.h"
#include "libraries.h"

static void
on_log(struct daxctl_ctx *ctx, int priority, const char *file, int line, const char *fn,
       const char *format, va_list args)
{
	(void)ctx;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	library_log(format, args);
}

static int
open_library(struct daxctl_ctx **ret, struct sluice_err *reterr)
{
	int r = daxctl_new(ret);

	if (r < 0)
		return sluice_fail(reterr, r, "libdaxctl cannot be used: %s", strerror(-r));
	daxctl_set_log_fn(*ret, on_log);
	return 0;
}

static void
fill(struct daxctl_region *region, struct daxctl_dev *dev, struct device_facts *facts)
{
	const char *path = daxctl_region_get_path(region);
	int root = sysroot_open("");

	snprintf(facts->dax, sizeof(facts->dax), "%s", daxctl_dev_get_devname(dev));
	facts->driver = root >= 0 ? read_driver(root, facts->dax) : DRIVER_NONE;
	facts->target_node = daxctl_dev_get_target_node(dev);
	facts->persistent = path && strstr(path, "/ndbus") != NULL;
	if (root >= 0)
		close(root);
}

static int
each_dev(struct daxctl_ctx *ctx,
	 int (*each)(void *userdata, struct daxctl_region *region, struct daxctl_dev *dev),
	 void *userdata)
{
	struct daxctl_region *region;
	struct daxctl_dev *dev;

	daxctl_region_foreach(ctx, region)
	{
		daxctl_dev_foreach(region, dev)
		{
			int r = each(userdata, region, dev);

			if (r != 0)
				return r;
		}
	}
	return 0;
}

struct listing {
	facts_each each;
	void *userdata;
};

static int
list_dev(void *userdata, struct daxctl_region *region, struct daxctl_dev *dev)
{
	struct listing *listing = userdata;
	struct device_facts facts = {.kind = DEVICE_DAX, .size_bytes = daxctl_dev_get_size(dev)};

	/* The kernel's seed for more devices in a region has no memory. */
	if (facts.size_bytes == 0)
		return 0;
	fill(region, dev, &facts);
	memcpy(facts.name, facts.dax, sizeof(facts.name));
	return listing->each(listing->userdata, &facts);
}

int
library_dax_list(facts_each each, void *userdata, struct sluice_err *reterr)
{
	struct listing listing = {each, userdata};
	struct daxctl_ctx *ctx;
	int r = open_library(&ctx, reterr);

	if (r < 0)
		return r;
	r = each_dev(ctx, list_dev, &listing);
	daxctl_unref(ctx);
	return r;
}

struct filling {
	const char *name;
	struct device_facts *facts;
};

static int
fill_named(void *userdata, struct daxctl_region *region, struct daxctl_dev *dev)
{
	struct filling *filling = userdata;

	if (strcmp(daxctl_dev_get_devname(dev), filling->name) != 0)
		return 0;
	fill(region, dev, filling->facts);
	return 1;
}

void
library_dax_facts(const char *dax, struct device_facts *ret)
{
	char name[DEVICE_NAME_BYTES];
	struct filling filling = {name, ret};
	struct daxctl_ctx *ctx;

	snprintf(name, sizeof(name), "%s", dax);
	if (open_library(&ctx, NULL) < 0)
		return;
	each_dev(ctx, fill_named, &filling);
	daxctl_unref(ctx);
}

struct driving {
	const char *name;
	enum device_driver driver;
	int r;
};

static int
drive_dev(void *userdata, struct daxctl_region *region, struct daxctl_dev *dev)
{
	struct driving *driving = userdata;

	(void)region;
	if (strcmp(daxctl_dev_get_devname(dev), driving->name) != 0)
		return 0;
	if (driving->driver == DRIVER_NONE)
		driving->r = daxctl_dev_disable(dev);
	else if (driving->driver == DRIVER_KMEM)
		driving->r = daxctl_dev_enable_ram(dev);
	else
		driving->r = daxctl_dev_enable_devdax(dev);
	return 1;
}

int
library_drive(const char *dax, enum device_driver driver, struct sluice_err *reterr)
{
	struct driving driving = {dax, driver, 0};
	struct daxctl_ctx *ctx;
	int r = open_library(&ctx, reterr);

	if (r < 0)
		return r;
	library_said();
	r = each_dev(ctx, drive_dev, &driving);
	daxctl_unref(ctx);
	if (r == 0)
		return sluice_fail(reterr, -ENODEV, "the dax device %s is gone", dax);
	if (driving.r < 0)
		return sluice_fail(reterr, driving.r, "libdaxctl could not %s %s (%s)%s",
				   driver == DRIVER_NONE ? "unbind" : "bind", dax,
				   strerror(-driving.r), library_said());
	return 0;
}
