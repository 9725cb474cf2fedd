/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - what steps do besides handling blocks of memory: writes to sysfs, modules, drivers. */
#include "change.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../sysroot.h"

#define NAP_US 10000

struct step *
step_add(struct change *change, const char *sentence, ...)
{
	struct step *step = &change->steps[change->count++];
	va_list args;

	memset(step, 0, sizeof(*step));
	va_start(args, sentence);
	vsnprintf(step->sentence, sizeof(step->sentence), sentence, args);
	va_end(args);
	return step;
}

int
change_write(const struct change *change, const char *path, const char *value,
	     struct sluice_err *reterr)
{
	int r = change->env.hands->write(change->env.hands_self, change->root, path, value);

	if (r == 0)
		return 0;
	return sluice_fail(reterr, r, "writing '%.40s' to /%s gave: %s%s",
			   value[0] == '\n' ? "" : value, path, strerror(-r),
			   r == -EACCES || r == -EPERM ? " (root is needed)" : "");
}

static int
act_write(struct change *change, struct step *step, struct sluice_err *reterr)
{
	int r = change_write(change, step->path, step->value, reterr);

	step->did = r == 0;
	return r;
}

static int
undo_write(struct change *change, struct step *step, struct sluice_err *reterr)
{
	return step->did && step->back_path[0]
		       ? change_write(change, step->back_path, step->back, reterr)
		       : 0;
}

void
step_write(struct change *change, const char *sentence, const char *path, const char *value,
	   const char *back_path, const char *back)
{
	struct step *step = step_add(change, "%s", sentence);

	step->act = act_write;
	step->undo = undo_write;
	snprintf(step->path, sizeof(step->path), "%s", path);
	snprintf(step->value, sizeof(step->value), "%s", value);
	if (back) {
		snprintf(step->back_path, sizeof(step->back_path), "%s", back_path);
		snprintf(step->back, sizeof(step->back), "%s", back);
	}
}

/* Modules that were loaded stay: they do nothing without a device. */
static int
act_load(struct change *change, struct step *step, struct sluice_err *reterr)
{
	char names[64], *save = NULL;

	snprintf(names, sizeof(names), "%s", step->value);
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		int r = change->env.hands->load(change->env.hands_self, name, reterr);

		if (r < 0)
			return r;
	}
	return 0;
}

void
step_load(struct change *change, const char *modules)
{
	struct step *step = step_add(change, "load the kernel modules %s", modules);

	step->act = act_load;
	snprintf(step->value, sizeof(step->value), "%s", modules);
}

struct dax_search {
	char name[DEVICE_NAME_BYTES];
};

static int
dax_seen(const char *name, void *userdata)
{
	struct dax_search *search = userdata;

	if (device_kind_of(name) != DEVICE_DAX)
		return 0;
	snprintf(search->name, sizeof(search->name), "%s", name);
	return 1;
}

int
find_dax_under(int root, const char *folder, char ret_dax[DEVICE_NAME_BYTES])
{
	struct dax_search search = {""};
	int r = sysroot_list(root, folder, dax_seen, &search);

	if (r <= 0)
		return -ENOENT;
	memcpy(ret_dax, search.name, DEVICE_NAME_BYTES);
	return 0;
}

enum device_driver
read_driver(int root, const char *dax)
{
	char link[256];
	const char *name;

	if (sysroot_read_link(root, link, sizeof(link), "sys/bus/dax/devices/%s/driver", dax) < 0)
		return DRIVER_NONE;
	name = strrchr(link, '/');
	name = name ? name + 1 : link;
	if (strcmp(name, "kmem") == 0)
		return DRIVER_KMEM;
	return strcmp(name, "device_dax") == 0 ? DRIVER_DEVDAX : DRIVER_OTHER;
}

/* The dax device that the kernel makes of a region, or of a namespace's dax face. */
static int
find_dax(struct change *change)
{
	char folder[128], holder[DEVICE_NAME_BYTES];

	if (change->facts.kind == DEVICE_CXL) {
		snprintf(folder, sizeof(folder), "sys/bus/cxl/devices/%s/dax_%s",
			 change->facts.region, change->facts.region);
	} else {
		if (sysroot_read(change->root, holder, sizeof(holder),
				 "sys/bus/nd/devices/%s/holder", change->facts.name) <= 0)
			return -ENOENT;
		snprintf(folder, sizeof(folder), "sys/bus/nd/devices/%s", holder);
	}
	return find_dax_under(change->root, folder, change->dax);
}

static int
act_find_dax(struct change *change, struct step *step, struct sluice_err *reterr)
{
	uint64_t until = change_now_ms() + PIECE_MS;

	(void)step;
	do {
		if (find_dax(change) == 0)
			return 0;
		if (change_now_ms() - change->began_ms >= change->env.wait_ms)
			return sluice_fail(reterr, -ETIMEDOUT,
					   "the kernel made no dax device of %s within %u s; its "
					   "log (dmesg) may tell why",
					   change->facts.kind == DEVICE_CXL ? change->facts.region
									    : change->facts.name,
					   change->env.wait_ms / 1000);
		usleep(NAP_US);
	} while (change_now_ms() < until);
	return STEP_AGAIN;
}

/* A region's dax device becomes memory by itself where the kernel's kmem is loaded, and may be
 * online as well: all of that goes before the region can. */
static int
undo_find_dax(struct change *change, struct step *step, struct sluice_err *reterr)
{
	int r;

	(void)step;
	if (!change->dax[0] && find_dax(change) < 0)
		return 0;
	r = blocks_clear(change, reterr);
	if (r == 0 && read_driver(change->root, change->dax) != DRIVER_NONE)
		r = change->env.hands->drive(change->env.hands_self, change->dax, DRIVER_NONE,
					     reterr);
	return r;
}

void
step_find_dax(struct change *change)
{
	struct step *step = step_add(change, "wait for the kernel to make a dax device of %s",
				     change->facts.kind == DEVICE_CXL ? change->facts.region
								      : change->facts.name);

	step->act = act_find_dax;
	step->undo = undo_find_dax;
}

static int
act_drive(struct change *change, struct step *step, struct sluice_err *reterr)
{
	int r;

	step->was = read_driver(change->root, change->dax);
	if (step->was == step->driver)
		return 0;
	step->did = 1;
	r = step->was != DRIVER_NONE ? change->env.hands->drive(change->env.hands_self, change->dax,
								DRIVER_NONE, reterr)
				     : 0;
	if (r == 0 && step->driver != DRIVER_NONE)
		r = change->env.hands->drive(change->env.hands_self, change->dax, step->driver,
					     reterr);
	return r;
}

static int
undo_drive(struct change *change, struct step *step, struct sluice_err *reterr)
{
	enum device_driver now = read_driver(change->root, change->dax);
	int r = 0;

	if (!step->did || now == step->was)
		return 0;
	if (now == DRIVER_KMEM)
		r = blocks_clear(change, reterr);
	if (r == 0 && now != DRIVER_NONE)
		r = change->env.hands->drive(change->env.hands_self, change->dax, DRIVER_NONE,
					     reterr);
	if (r == 0 && (step->was == DRIVER_DEVDAX || step->was == DRIVER_KMEM))
		r = change->env.hands->drive(change->env.hands_self, change->dax, step->was,
					     reterr);
	return r;
}

void
step_drive(struct change *change, enum device_driver driver)
{
	const char *dax = change->dax[0] ? change->dax : "the dax device";
	struct step *step =
		driver == DRIVER_KMEM
			? step_add(change, "give %s to the kernel as memory (driver kmem)", dax)
		: driver == DRIVER_DEVDAX
			? step_add(change, "give %s back to its device driver (device_dax)", dax)
			: step_add(change, "take %s away from the kernel's memory (driver kmem)",
				   dax);

	step->act = act_drive;
	step->undo = undo_drive;
	step->driver = driver;
}

static int
act_make_devdax(struct change *change, struct step *step, struct sluice_err *reterr)
{
	step->did = 1;
	return change->env.hands->make_devdax(change->env.hands_self, change->facts.name, reterr);
}

static int
undo_make_devdax(struct change *change, struct step *step, struct sluice_err *reterr)
{
	return step->did ? change->env.hands->make_raw(change->env.hands_self, change->facts.name,
						       reterr)
			 : 0;
}

void
step_make_devdax(struct change *change)
{
	struct step *step = step_add(change, "make a dax device of %s, which is in mode %s",
				     change->facts.name, change->facts.mode);

	step->act = act_make_devdax;
	step->undo = undo_make_devdax;
}
