/* SPDX-License-Identifier: Apache-2.0 */
/* libraries.c - the hands that reach the real machine. See libraries.h. */
#include "libraries.h"

#include <errno.h>
#include <libkmod.h>
#include <string.h>
#include <unistd.h>

#include "../sysroot.h"

static char said[200];

void
library_log(const char *format, va_list args)
{
	vsnprintf(said, sizeof(said), format, args);
	said[strcspn(said, "\n")] = '\0';
}

const char *
library_said(void)
{
	static char text[sizeof(said) + 3];

	snprintf(text, sizeof(text), "%s%s", said[0] ? ": " : "", said);
	said[0] = '\0';
	return text;
}

static int
write_file(void *self, int root, const char *path, const char *value)
{
	int fd = sysroot_open_write(root, path);
	int r = 0;

	(void)self;
	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int
list(void *self, facts_each each, void *userdata, struct sluice_err *reterr)
{
	int r = library_cxl_list(each, userdata, reterr);

	(void)self;
	if (r == 0)
		r = library_namespace_list(each, userdata, reterr);
	if (r == 0)
		r = library_dax_list(each, userdata, reterr);
	return r;
}

struct search {
	enum device_kind kind;
	const char *name;
	struct device_facts found;
	char names[200]; /* of those of the kind */
	size_t used;
};

static int
search_each(void *userdata, const struct device_facts *facts)
{
	struct search *search = userdata;

	if (facts->kind != search->kind)
		return 0;
	if (strcmp(facts->name, search->name) == 0) {
		search->found = *facts;
		return 1;
	}
	if (search->used < sizeof(search->names))
		search->used += (size_t)snprintf(search->names + search->used,
						 sizeof(search->names) - search->used, "%s%s",
						 search->used ? ", " : "", facts->name);
	return 0;
}

static int
find(void *self, enum device_kind kind, const char *name, struct device_facts *ret,
     struct sluice_err *reterr)
{
	static const char *const what[] = {"", "CXL memory device (/sys/bus/cxl, driver cxl_mem)",
					   "dax device (/sys/bus/dax)",
					   "NVDIMM namespace with a size (/sys/bus/nd)"};
	struct search search = {.kind = kind, .name = name};
	int r = list(self, search_each, &search, reterr);

	if (r < 0)
		return r;
	if (r == 0)
		return sluice_fail(reterr, -ENODEV, "this machine has no %s %s; %s%s", what[kind],
				   name, search.used ? "there are: " : "it has none at all",
				   search.names);
	*ret = search.found;
	return 0;
}

static int
load(void *self, const char *name, struct sluice_err *reterr)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_list *found = NULL, *item;
	int r = ctx ? kmod_module_new_from_lookup(ctx, name, &found) : -ENOMEM;

	(void)self;
	kmod_list_foreach(item, found)
	{
		struct kmod_module *module = kmod_module_get_module(item);

		if (r >= 0)
			r = kmod_module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST,
							    NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
	}
	/* A kernel without the module may have it built in; if not, what needs it will tell. */
	kmod_module_unref_list(found);
	if (ctx)
		kmod_unref(ctx);
	if (r > 0)
		return sluice_fail(reterr, -EPERM,
				   "the kernel module %s is blacklisted (/etc/modprobe.d)", name);
	if (r < 0 && r != -ENOENT)
		return sluice_fail(reterr, r, "the kernel module %s cannot be loaded: %s", name,
				   strerror(-r));
	return 0;
}

static int
drive(void *self, const char *dax, enum device_driver driver, struct sluice_err *reterr)
{
	(void)self;
	return library_drive(dax, driver, reterr);
}

static int
make_devdax(void *self, const char *nspace, struct sluice_err *reterr)
{
	(void)self;
	return library_make_devdax(nspace, reterr);
}

static int
make_raw(void *self, const char *nspace, struct sluice_err *reterr)
{
	(void)self;
	return library_make_raw(nspace, reterr);
}

const struct device_hands device_hands_libraries = {
	.write = write_file,
	.find = find,
	.list = list,
	.load = load,
	.drive = drive,
	.make_devdax = make_devdax,
	.make_raw = make_raw,
};
