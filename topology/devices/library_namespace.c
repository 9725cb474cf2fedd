/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library_namespace.c - NVDIMM namespaces by libndctl: which there are, and making a dax device of
 * one, which takes what is stored in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <ndctl/libndctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../sysroot.h"
#include "change.h"
#include "libraries.h"

#define INFO_OFFSET 4096 /* where the namespace's own description is, if it has one */
#define INFO_BYTES 8192

static void
on_log(struct ndctl_ctx *ctx, int priority, const char *file, int line, const char *fn,
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
open_library(struct ndctl_ctx **ret, struct sluice_err *reterr)
{
	int r = ndctl_new(ret);

	if (r < 0)
		return sluice_fail(reterr, r, "libndctl cannot be used: %s", strerror(-r));
	ndctl_set_log_fn(*ret, on_log);
	return 0;
}

static const char *
mode_name(struct ndctl_namespace *nspace)
{
	switch (ndctl_namespace_get_mode(nspace)) {
	case NDCTL_NS_MODE_FSDAX:
		return "fsdax";
	case NDCTL_NS_MODE_SECTOR:
		return "sector";
	case NDCTL_NS_MODE_RAW:
		return "raw";
	case NDCTL_NS_MODE_DEVDAX:
		return "devdax";
	default:
		return "unknown";
	}
}

static void
fill(struct ndctl_namespace *nspace, struct device_facts *facts)
{
	struct ndctl_dax *dax = ndctl_namespace_get_dax(nspace);
	char folder[128];
	int root = sysroot_open("");

	*facts =
		(struct device_facts){.kind = DEVICE_NAMESPACE, .target_node = -1, .persistent = 1};
	snprintf(facts->name, sizeof(facts->name), "%s", ndctl_namespace_get_devname(nspace));
	snprintf(facts->mode, sizeof(facts->mode), "%s", mode_name(nspace));
	facts->size_bytes = dax ? ndctl_dax_get_size(dax) : ndctl_namespace_get_size(nspace);
	facts->target_node = ndctl_namespace_get_target_node(nspace);
	if (dax && root >= 0) {
		snprintf(folder, sizeof(folder), "sys/bus/nd/devices/%s",
			 ndctl_dax_get_devname(dax));
		if (find_dax_under(root, folder, facts->dax) == 0)
			library_dax_facts(facts->dax, facts);
	}
	facts->persistent = 1;
	if (root >= 0)
		close(root);
}

static int
each_namespace(struct ndctl_ctx *ctx, int (*each)(void *userdata, struct ndctl_namespace *nspace),
	       void *userdata)
{
	struct ndctl_bus *bus;
	struct ndctl_region *region;
	struct ndctl_namespace *nspace;

	ndctl_bus_foreach(ctx, bus)
	{
		ndctl_region_foreach(bus, region)
		{
			ndctl_namespace_foreach(region, nspace)
			{
				int r;

				/* The seed of a region is no namespace yet. */
				if (!ndctl_namespace_is_active(nspace) &&
				    ndctl_namespace_get_size(nspace) == 0)
					continue;
				r = each(userdata, nspace);
				if (r != 0)
					return r;
			}
		}
	}
	return 0;
}

struct listing {
	facts_each each;
	void *userdata;
};

static int
list_namespace(void *userdata, struct ndctl_namespace *nspace)
{
	struct listing *listing = userdata;
	struct device_facts facts;

	fill(nspace, &facts);
	return listing->each(listing->userdata, &facts);
}

int
library_namespace_list(facts_each each, void *userdata, struct sluice_err *reterr)
{
	struct listing listing = {each, userdata};
	struct ndctl_ctx *ctx;
	int r = open_library(&ctx, reterr);

	if (r < 0)
		return r;
	r = each_namespace(ctx, list_namespace, &listing);
	ndctl_unref(ctx);
	return r;
}

/* Through the block device of the raw namespace: an old description would be found again. */
static int
erase_info(struct ndctl_namespace *nspace, struct sluice_err *reterr)
{
	char path[64];
	void *zeros = NULL;
	int fd, r = 0;

	ndctl_namespace_set_raw_mode(nspace, 1);
	r = ndctl_namespace_enable(nspace);
	if (r < 0)
		return sluice_fail(reterr, r, "cannot open the raw namespace: %s%s", strerror(-r),
				   library_said());
	snprintf(path, sizeof(path), "/dev/%s", ndctl_namespace_get_block_device(nspace));
	if (posix_memalign(&zeros, 4096, INFO_BYTES) != 0)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	memset(zeros, 0, INFO_BYTES);
	r = 0;
	fd = open(path, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, zeros, INFO_BYTES, INFO_OFFSET) != INFO_BYTES)
		r = sluice_fail(reterr, -errno, "cannot write to %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(zeros);
	return r;
}

static int
disable(struct ndctl_namespace *nspace, struct sluice_err *reterr)
{
	int r = ndctl_namespace_disable_safe(nspace);

	if (r < 0)
		return sluice_fail(reterr, r, "%s is in use (%s)%s",
				   ndctl_namespace_get_devname(nspace),
				   r == -EBUSY ? "a file system on it is mounted" : strerror(-r),
				   library_said());
	return 0;
}

static int
to_devdax(struct ndctl_namespace *nspace, struct sluice_err *reterr)
{
	struct ndctl_region *region = ndctl_namespace_get_region(nspace);
	struct ndctl_dax *seed;
	const char *what;
	uuid_t uuid;
	int r = disable(nspace, reterr);

	if (r == 0)
		r = erase_info(nspace, reterr);
	if (r == 0)
		r = disable(nspace, reterr);
	if (r < 0)
		return r;
	ndctl_namespace_set_raw_mode(nspace, 0);
	seed = ndctl_region_get_dax_seed(region);
	if (!seed)
		return sluice_fail(reterr, -ENOTSUP,
				   "%s offers no dax devices; is the kernel built with NVDIMM_DAX?",
				   ndctl_region_get_devname(region));
	if (getrandom(uuid, sizeof(uuid), 0) != (ssize_t)sizeof(uuid))
		return sluice_fail(reterr, -EIO, "no random numbers for a name");
	uuid[6] = (uuid[6] & 0x0f) | 0x40; /* version 4: random */
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	/* The kernel's records of its pages go to DRAM: those of kmem do in any case, and the
	 * memory is not made smaller for nothing. */
	what = "mode";
	r = ndctl_namespace_set_enforce_mode(nspace, NDCTL_NS_MODE_DEVDAX);
	if (r == -ENXIO) /* a namespace without labels: only its label could not be written */
		r = 0;
	if (r == 0 && (what = "uuid"))
		r = ndctl_dax_set_uuid(seed, uuid);
	if (r == 0 && (what = "location"))
		r = ndctl_dax_set_location(seed, NDCTL_PFN_LOC_RAM);
	if (r == 0 && ndctl_dax_has_align(seed) && (what = "alignment"))
		r = ndctl_dax_set_align(seed, 2ul << 20);
	if (r == 0 && (what = "namespace"))
		r = ndctl_dax_set_namespace(seed, nspace);
	if (r == 0 && (what = "driver"))
		r = ndctl_dax_enable(seed);
	if (r < 0)
		return sluice_fail(reterr, r,
				   "the kernel refused its %s for the dax device %s: %s%s", what,
				   ndctl_dax_get_devname(seed), strerror(-r), library_said());
	return 0;
}

static int
to_raw(struct ndctl_namespace *nspace, struct sluice_err *reterr)
{
	struct ndctl_dax *dax = ndctl_namespace_get_dax(nspace);
	int r = 0;

	if (dax)
		r = ndctl_dax_delete(dax);
	if (r == 0)
		r = disable(nspace, reterr);
	else
		return sluice_fail(reterr, r, "the dax device of %s could not be deleted: %s%s",
				   ndctl_namespace_get_devname(nspace), strerror(-r),
				   library_said());
	if (r == 0)
		r = erase_info(nspace, reterr);
	if (r == 0)
		r = disable(nspace, reterr);
	if (r < 0)
		return r;
	ndctl_namespace_set_enforce_mode(nspace, NDCTL_NS_MODE_RAW);
	ndctl_namespace_set_raw_mode(nspace, 0);
	r = ndctl_namespace_enable(nspace);
	return r < 0 ? sluice_fail(reterr, r, "%s could not be enabled again: %s%s",
				   ndctl_namespace_get_devname(nspace), strerror(-r),
				   library_said())
		     : 0;
}

struct making {
	const char *name;
	int (*make)(struct ndctl_namespace *nspace, struct sluice_err *reterr);
	struct sluice_err *reterr;
	int r;
};

static int
make_named(void *userdata, struct ndctl_namespace *nspace)
{
	struct making *making = userdata;

	if (strcmp(ndctl_namespace_get_devname(nspace), making->name) != 0)
		return 0;
	making->r = making->make(nspace, making->reterr);
	return 1;
}

static int
make(const char *name, int (*how)(struct ndctl_namespace *nspace, struct sluice_err *reterr),
     struct sluice_err *reterr)
{
	struct making making = {name, how, reterr, 0};
	struct ndctl_ctx *ctx;
	int r = open_library(&ctx, reterr);

	if (r < 0)
		return r;
	library_said();
	r = each_namespace(ctx, make_named, &making);
	ndctl_unref(ctx);
	return r == 0 ? sluice_fail(reterr, -ENODEV, "the namespace %s is gone", name) : making.r;
}

int
library_make_devdax(const char *nspace, struct sluice_err *reterr)
{
	return make(nspace, to_devdax, reterr);
}

int
library_make_raw(const char *nspace, struct sluice_err *reterr)
{
	return make(nspace, to_raw, reterr);
}
