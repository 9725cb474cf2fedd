/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_devices.c - bringing memory devices online and taking them offline, over a made-up sysfs
 * with made-up libraries: which steps in which order, that a failure in any of them undoes all
 * before it in reverse, and the sentences of refusals. Guests show the same on real kernels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "devices.h"
#include "fake_root.h"

#define CXL "sys/bus/cxl/devices/"
#define MEMORY "sys/devices/system/memory/"
#define EVENTS_BYTES 4096
#define DAX "sys/bus/dax/devices/dax0.0/"

/* What is written and what the libraries are asked for, in order: "name=value ". Shared with the
 * child that empties blocks. */
static char *events;

struct world {
	struct device_facts facts;
	const char *fails;   /* a call of the libraries that fails: "load", "kmem", ... */
	const char *refuses; /* a file that takes no value: with that error, or never ending */
	const char *only;    /* but for this one, it takes them; NULL: none */
	int error, hangs;
};
static struct world world;

static void
note(const char *format, ...)
{
	size_t used = strlen(events);
	va_list args;

	va_start(args, format);
	vsnprintf(events + used, EVENTS_BYTES - used, format, args);
	va_end(args);
}

/* The kernel of this world: takes what it is given, but for the file that is out of order. */
static int
fake_write(void *self, int root, const char *path, const char *value)
{
	const struct world *w = self;
	const char *name = strrchr(path, '/') + 1;

	(void)root;
	if (strcmp(name, "state") == 0)
		name = path + strlen(MEMORY);
	if (w->refuses && strcmp(w->refuses, path) == 0 &&
	    (!w->only || strcmp(w->only, value) == 0)) {
		while (w->hangs)
			usleep(1000);
		return w->error;
	}
	note("%.*s=%s ", (int)strcspn(name, "/"), name, value[0] == '\n' ? "none" : value);
	fake_put(path, value);
	return 0;
}

static int
fake_find(void *self, enum device_kind kind, const char *name, struct device_facts *ret,
	  struct sluice_err *reterr)
{
	const struct world *w = self;

	if (w->facts.kind != kind || strcmp(w->facts.name, name) != 0)
		return sluice_fail(reterr, -ENODEV, "there is no %s", name);
	*ret = w->facts;
	return 0;
}

static int
fake_list(void *self, int (*each)(void *userdata, const struct device_facts *facts), void *userdata,
	  struct sluice_err *reterr)
{
	(void)reterr;
	return each(userdata, &((struct world *)self)->facts);
}

static int
fails(const char *what, struct sluice_err *reterr)
{
	if (world.fails && strcmp(world.fails, what) == 0)
		return sluice_fail(reterr, -EIO, "%s is out of order", what);
	note("%s ", what);
	return 0;
}

static int
fake_load(void *self, const char *module, struct sluice_err *reterr)
{
	(void)self;
	return fails("load", module ? reterr : NULL);
}

static void
set_driver(const char *name)
{
	char target[64];

	unlink(fake_path(DAX "driver"));
	snprintf(target, sizeof(target), "../../drivers/%s", name);
	if (name[0])
		assert_int_equal(symlink(target, fake_path(DAX "driver")), 0);
}

static int
fake_drive(void *self, const char *dax, enum device_driver driver, struct sluice_err *reterr)
{
	static const char *const what[] = {"unbind", "devdax", "kmem"};
	static const char *const drivers[] = {"", "device_dax", "kmem"};
	int r = fails(what[driver], reterr);

	(void)self;
	assert_string_equal(dax, "dax0.0");
	if (r == 0)
		set_driver(drivers[driver]);
	return r;
}

static int
fake_make_devdax(void *self, const char *nspace, struct sluice_err *reterr)
{
	(void)self;
	assert_string_equal(nspace, "namespace0.0");
	return fails("make-devdax", reterr);
}

static int
fake_make_raw(void *self, const char *nspace, struct sluice_err *reterr)
{
	(void)self;
	assert_string_equal(nspace, "namespace0.0");
	return fails("make-raw", reterr);
}

static const struct device_hands fake_hands = {
	fake_write, fake_find, fake_list, fake_load, fake_drive, fake_make_devdax, fake_make_raw};
static struct device_env env = {.sysroot = fake_root,
				.hands = &fake_hands,
				.hands_self = &world,
				.wait_ms = 30,
				.offline_ms = 300};

/* Two blocks of 128 MiB, and a dax device over them. */
static void
put_memory(const char *state, const char *zone)
{
	char path[128];

	fake_put(MEMORY "block_size_bytes", "8000000\n");
	fake_put(DAX "resource", "0x110000000\n");
	fake_put(DAX "size", "268435456\n");
	for (int id = 34; id < 36; id++) {
		snprintf(path, sizeof(path), MEMORY "memory%d/state", id);
		fake_put(path, state);
		snprintf(path, sizeof(path), MEMORY "memory%d/valid_zones", id);
		fake_put(path, zone);
		snprintf(path, sizeof(path), MEMORY "memory%d/node1/x", id);
		fake_put(path, "");
	}
	fake_put("sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:  262144 kB\n");
}

static int
setup(void **state)
{
	fake_root_make(state);
	world = (struct world){.error = -EIO};
	if (!events)
		events = mmap(NULL, EVENTS_BYTES, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	events[0] = '\0';
	return events == MAP_FAILED ? -1 : 0;
}

static void
put_cxl(void)
{
	world.facts = (struct device_facts){.kind = DEVICE_CXL,
					    .name = "mem0",
					    .size_bytes = 256u << 20,
					    .target_node = -1,
					    .window = "decoder0.0",
					    .decoder = "decoder2.0",
					    .region = "region0"};
	fake_put(CXL "decoder0.0/create_ram_region", "region0\n");
	fake_put(CXL "decoder0.0/delete_region", "");
	fake_put(CXL "region0/interleave_granularity", "");
	fake_put(CXL "region0/interleave_ways", "");
	fake_put(CXL "region0/size", "");
	fake_put(CXL "decoder2.0/mode", "none\n");
	fake_put(CXL "decoder2.0/dpa_size", "0x0\n");
	fake_put(CXL "region0/target0", "\n");
	fake_put(CXL "region0/commit", "0\n");
	fake_put("sys/bus/cxl/drivers/cxl_region/bind", "");
	fake_put("sys/bus/cxl/drivers/cxl_region/unbind", "");
	fake_put(CXL "region0/dax_region0/dax0.0/size", "");
	put_memory("offline\n", "Movable\n");
}

/* Carries a change out; its result. */
static int
carry_out(const char *name, enum device_action action, int for_kernel, struct sluice_err *reterr)
{
	struct change *change = NULL;
	struct change_progress progress;
	int r = change_new(&env, name, action, for_kernel, &change, reterr);

	while (r == 0 && (r = change_step(change, reterr)) == 1)
		r = 0;
	if (change && r < 0) {
		change_get_progress(change, &progress);
		assert_int_equal(progress.undone, 1);
	}
	change_free(change);
	return r;
}

#define CXL_ONLINE                                                                                 \
	"load load load create_ram_region=region0 interleave_granularity=256 interleave_ways=1 "   \
	"size=268435456 mode=ram dpa_size=268435456 target0=decoder2.0 commit=1 bind=region0 "     \
	"kmem memory34=online_movable memory35=online_movable "

static void
test_cxl_online(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	put_cxl();
	assert_int_equal(carry_out("mem0", DEVICE_ONLINE, 0, &err), 0);
	assert_string_equal(events, CXL_ONLINE);
}

/* Whatever step fails, what the steps before it did is undone, last first. */
static void
test_cxl_each_failure(void **state)
{
	static const struct {
		const char *breaks; /* a file that cannot be written, or a call */
		const char *step, *undone;
	} cases[] = {
		{"load", "step 1 of 15", ""},
		{CXL "decoder0.0/create_ram_region", "step 2 of", ""},
		{CXL "region0/interleave_ways", "step 4 of", "delete_region=region0 "},
		{CXL "decoder2.0/mode", "step 6 of", "delete_region=region0 "},
		{CXL "decoder2.0/dpa_size", "step 7 of", "delete_region=region0 "},
		{CXL "region0/target0", "step 8 of", "dpa_size=0 delete_region=region0 "},
		{CXL "region0/commit", "step 9 of",
		 "target0=none dpa_size=0 delete_region=region0 "},
		{"sys/bus/cxl/drivers/cxl_region/bind", "step 10 of",
		 "commit=0 target0=none dpa_size=0 delete_region=region0 "},
		{"dax", "step 11 of",
		 "unbind=region0 commit=0 target0=none dpa_size=0 delete_region=region0 "},
		{"kmem", "step 12 of",
		 "unbind=region0 commit=0 target0=none dpa_size=0 delete_region=region0 "},
		{MEMORY "memory35/state", "step 14 of",
		 "memory34=offline unbind unbind=region0 commit=0 target0=none dpa_size=0 "
		 "delete_region=region0 "},
		{"meminfo", "step 15 of",
		 "memory35=offline memory34=offline unbind unbind=region0 commit=0 target0=none "
		 "dpa_size=0 delete_region=region0 "},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sluice_err err = {0, ""};
		const char *breaks = cases[i].breaks;
		size_t undone_length = strlen(cases[i].undone);
		char *undone;

		setup(state);
		put_cxl();
		if (strcmp(breaks, "dax") == 0) {
			unlink(fake_path(CXL "region0/dax_region0/dax0.0/size"));
			rmdir(fake_path(CXL "region0/dax_region0/dax0.0"));
		} else if (strcmp(breaks, "meminfo") == 0) {
			unlink(fake_path("sys/devices/system/node/node1/meminfo"));
		} else if (strchr(breaks, '/')) {
			world.refuses = breaks;
		} else {
			world.fails = breaks;
		}
		assert_true(carry_out("mem0", DEVICE_ONLINE, 0, &err) < 0);
		if (!strstr(err.msg, cases[i].step))
			fail_msg("'%s' lacks '%s'", err.msg, cases[i].step);
		assert_non_null(strstr(err.msg, i == 0 ? "Nothing was changed" : "were undone"));
		assert_true(strlen(events) >= undone_length);
		undone = events + strlen(events) - undone_length;
		assert_string_equal(undone, cases[i].undone);
		/* And nothing else: what comes before is the way forward. */
		*undone = '\0';
		assert_memory_equal(events, CXL_ONLINE, strlen(events));
		fake_root_remove(state);
	}
}

/* A change that is given up says whether all is as before: nobody may be told so otherwise. */
static void
test_giving_up(void **state)
{
	for (int fails = 0; fails < 2; fails++) {
		struct sluice_err err = {0, ""};
		struct change *change = NULL;

		setup(state);
		put_cxl();
		assert_int_equal(change_new(&env, "mem0", DEVICE_ONLINE, 0, &change, &err), 0);
		for (int i = 0; i < 9; i++)
			assert_int_equal(change_step(change, &err), 1);
		if (fails)
			world.refuses = CXL "decoder0.0/delete_region";
		events[0] = '\0';
		assert_int_equal(change_undo(change, &err) < 0, fails);
		assert_int_equal(strstr(err.msg, "could not all be undone") != NULL, fails);
		assert_non_null(strstr(events, "commit=0 target0=none dpa_size=0 "));
		/* Once, and not again at the end. */
		events[0] = '\0';
		assert_int_equal(change_undo(change, &err), 0);
		change_free(change);
		assert_string_equal(events, "");
		fake_root_remove(state);
	}
	assert_int_equal(change_undo(NULL, NULL), 0);
}

/* Blocks that the kernel's policy brought online for itself are made movable; a change that is
 * given up half way is undone. */
static void
test_policy_and_abandoning(void **state)
{
	struct sluice_err err = {0, ""};
	struct change *change = NULL;

	(void)state;
	put_cxl();
	fake_put(MEMORY "memory34/state", "online\n");
	fake_put(MEMORY "memory34/valid_zones", "Normal\n");
	assert_int_equal(change_new(&env, "mem0", DEVICE_ONLINE, 0, &change, &err), 0);
	for (int i = 0; i < 14; i++) {
		assert_int_equal(change_step(change, &err), 1);
	}
	assert_non_null(strstr(events, "memory34=offline memory34=online_movable "
				       "memory35=online_movable "));
	events[0] = '\0';
	change_free(change);
	/* memory35 was offline. memory34 was the policy's, so it goes with the driver. */
	assert_non_null(strstr(events, "memory35=offline "));
	assert_non_null(strstr(events, "unbind unbind=region0 commit=0 "));
	assert_string_equal(fake_get(MEMORY "memory34/state"), "offline");
}

static void
test_cxl_offline_and_back(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	put_cxl();
	fake_put(MEMORY "memory34/state", "online\n");
	fake_put(MEMORY "memory35/state", "online\n");
	set_driver("kmem");
	strcpy(world.facts.dax, "dax0.0");
	world.facts.driver = DRIVER_KMEM;
	world.facts.has_region = world.facts.region_enabled = world.facts.removable_region = 1;
	assert_int_equal(carry_out("mem0", DEVICE_OFFLINE, 0, &err), 0);
	assert_string_equal(events,
			    "memory34=offline memory35=offline unbind unbind=region0 commit=0 "
			    "target0=none dpa_size=0 delete_region=region0 ");

	/* The region cannot be deleted: memory is back as it was. */
	events[0] = '\0';
	fake_put(MEMORY "memory34/state", "online\n");
	fake_put(MEMORY "memory35/state", "online\n");
	set_driver("kmem");
	world.refuses = CXL "decoder0.0/delete_region";
	assert_int_equal(carry_out("mem0", DEVICE_OFFLINE, 0, &err), -EIO);
	assert_non_null(strstr(err.msg, "step 7 of 7"));
	assert_non_null(strstr(events, "dpa_size=268435456 target0=decoder2.0 commit=1 "
				       "bind=region0 kmem memory35=online_movable "
				       "memory34=online_movable "));
}

/* A region over several devices, or one of the firmware, is kept: only its memory goes. */
static void
test_shared_region_is_kept(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	put_cxl();
	fake_put(MEMORY "memory34/state", "online\n");
	set_driver("kmem");
	strcpy(world.facts.dax, "dax0.0");
	world.facts.driver = DRIVER_KMEM;
	world.facts.has_region = world.facts.region_enabled = 1;
	assert_int_equal(carry_out("mem0", DEVICE_OFFLINE, 0, &err), 0);
	assert_string_equal(events, "memory34=offline load unbind devdax ");
}

static void
put_namespace(const char *mode)
{
	world.facts = (struct device_facts){.kind = DEVICE_NAMESPACE,
					    .name = "namespace0.0",
					    .size_bytes = 256u << 20,
					    .target_node = 1,
					    .persistent = 1};
	strcpy(world.facts.mode, mode);
	fake_put("sys/bus/nd/devices/namespace0.0/holder", "dax0.0\n");
	fake_put("sys/bus/nd/devices/dax0.0/dax0.0/size", "");
	put_memory("offline\n", "Movable\n");
}

static void
test_namespace(void **state)
{
	struct sluice_err err = {0, ""};
	struct change *change = NULL;

	(void)state;
	put_namespace("fsdax");
	assert_int_equal(change_new(&env, "namespace0.0", DEVICE_ONLINE, 0, &change, &err), 0);
	assert_non_null(strstr(change_question(change), "everything that is stored in it is lost"));
	assert_non_null(strstr(change_question(change), "fsdax"));
	change_free(change);
	assert_string_equal(events, ""); /* planning changes nothing */
	fake_put(MEMORY "memory34/valid_zones", "Normal\n");
	fake_put(MEMORY "memory35/valid_zones", "Normal\n");
	assert_int_equal(carry_out("namespace0.0", DEVICE_ONLINE, 1, &err), 0);
	assert_string_equal(events, "load load load make-devdax kmem memory34=online_kernel "
				    "memory35=online_kernel ");

	/* The namespace becomes raw again when its memory cannot be used. */
	events[0] = '\0';
	set_driver("");
	world.fails = "kmem";
	assert_int_equal(carry_out("namespace0.0", DEVICE_ONLINE, 0, &err), -EIO);
	assert_non_null(strstr(err.msg, "kmem is out of order"));
	assert_non_null(strstr(events, "make-raw "));
}

static void
test_dax_back_to_its_driver(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	put_namespace("devdax");
	world.facts.kind = DEVICE_DAX;
	strcpy(world.facts.name, "dax0.0");
	strcpy(world.facts.dax, "dax0.0");
	world.facts.driver = DRIVER_DEVDAX;
	set_driver("device_dax");
	world.fails = "kmem";
	assert_int_equal(carry_out("dax0.0", DEVICE_ONLINE, 0, &err), -EIO);
	assert_string_equal(events, "load unbind devdax ");
}

static void
test_nothing_to_do(void **state)
{
	struct sluice_err err = {0, ""};
	struct change *change = NULL;

	(void)state;
	put_namespace("devdax");
	strcpy(world.facts.dax, "dax0.0");
	world.facts.driver = DRIVER_KMEM;
	set_driver("kmem");
	fake_put(MEMORY "memory34/state", "online\n");
	fake_put(MEMORY "memory35/state", "online\n");
	assert_int_equal(change_new(&env, "namespace0.0", DEVICE_ONLINE, 0, &change, &err), 0);
	assert_int_equal(change_count(change), 0);
	assert_string_equal(change_question(change), "");
	assert_int_equal(change_node(change), 1);
	assert_int_equal(change_step(change, &err), 0);
	change_free(change);
}

static void
test_refusals(void **state)
{
	static const char *const names[] = {"",    "mem",   "mem0x",      "dax0",        "dax0.0.0",
					    "../", "dax.0", "namespace0", "mem0/../mem1"};
	struct sluice_err err = {0, ""};
	struct change *change = NULL;

	(void)state;
	put_cxl();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(change_new(&env, names[i], DEVICE_ONLINE, 0, &change, &err),
				 -EINVAL);
		assert_non_null(strstr(err.msg, "is not the name of a memory device"));
	}
	assert_int_equal(change_new(&env, "mem7", DEVICE_ONLINE, 0, &change, &err), -ENODEV);
	strcpy(world.facts.why_not, "mem0 has no volatile memory");
	assert_int_equal(change_new(&env, "mem0", DEVICE_ONLINE, 0, &change, &err), -ENODEV);
	assert_string_equal(err.msg, "mem0 has no volatile memory");
	world.facts.why_not[0] = '\0';
	strcpy(world.facts.dax, "dax0.0");
	world.facts.driver = DRIVER_OTHER;
	assert_int_equal(change_new(&env, "mem0", DEVICE_ONLINE, 0, &change, &err), -EBUSY);
	assert_null(change);
}

static void
put_online_dax(const char *zone)
{
	put_namespace("devdax");
	world.facts.kind = DEVICE_DAX;
	strcpy(world.facts.name, "dax0.0");
	strcpy(world.facts.dax, "dax0.0");
	world.facts.driver = DRIVER_KMEM;
	set_driver("kmem");
	put_memory("online\n", zone);
}

/* A block that the kernel will not give up: the sentence says why as far as its zone tells, and the
 * blocks before it are online again. */
static void
test_block_kept(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	put_online_dax("Normal\n");
	world.refuses = MEMORY "memory35/state";
	world.error = -EBUSY;
	assert_int_equal(carry_out("dax0.0", DEVICE_OFFLINE, 0, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "memory35 of node 1 could not be emptied"));
	assert_non_null(strstr(err.msg, "memory of the kernel itself"));
	assert_string_equal(events, "memory34=offline memory34=online_kernel ");

	events[0] = '\0';
	put_online_dax("Movable\n");
	assert_int_equal(carry_out("dax0.0", DEVICE_OFFLINE, 0, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "pinned"));
	assert_string_equal(events, "memory34=offline memory34=online_movable ");
}

/* The kernel tries for ever while a page is pinned: there is an end to our patience. */
static void
test_block_hangs(void **state)
{
	struct sluice_err err = {0, ""};

	(void)state;
	put_online_dax("Movable\n");
	world.refuses = MEMORY "memory34/state";
	world.hangs = 1;
	assert_int_equal(carry_out("dax0.0", DEVICE_OFFLINE, 0, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.msg, "still trying"));
	assert_string_equal(events, "");
	assert_string_equal(fake_get(MEMORY "memory34/state"), "online\n");
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Undoing has the same patience, once: the steps fail at the last, and the first block that was
 * brought online cannot be emptied any more. */
static void
test_undoing_hangs(void **state)
{
	struct sluice_err err = {0, ""};
	struct change *change = NULL;
	struct change_progress progress;
	uint64_t began_ms;
	int r;

	(void)state;
	put_cxl();
	unlink(fake_path("sys/devices/system/node/node1/meminfo"));
	world.refuses = MEMORY "memory35/state";
	world.only = "offline";
	world.hangs = 1;
	assert_int_equal(change_new(&env, "mem0", DEVICE_ONLINE, 0, &change, &err), 0);
	began_ms = now_ms();
	while ((r = change_step(change, &err)) == 1)
		;
	assert_true(r < 0);
	assert_true(now_ms() - began_ms < 5000);
	change_get_progress(change, &progress);
	assert_int_equal(progress.undone, 0);
	assert_non_null(strstr(err.msg, "step 15 of 15 failed"));
	assert_non_null(
		strstr(err.msg, "undoing the steps before it failed too: memory35 of node 1"));
	assert_non_null(strstr(err.msg, "still trying"));
	change_free(change);
	/* memory34 was not waited for, and memory35 is online as the kernel left it. */
	assert_string_equal(fake_get(MEMORY "memory35/state"), "online_movable");
}

/* A block that the kernel brought online in the wrong zone, and will not give up. */
static void
test_wrong_zone_hangs(void **state)
{
	struct sluice_err err = {0, ""};
	struct change *change = NULL;
	int r;

	(void)state;
	put_cxl();
	fake_put(MEMORY "memory35/state", "online\n");
	fake_put(MEMORY "memory35/valid_zones", "Normal\n");
	world.refuses = MEMORY "memory35/state";
	world.only = "offline";
	world.hangs = 1;
	assert_int_equal(change_new(&env, "mem0", DEVICE_ONLINE, 0, &change, &err), 0);
	while ((r = change_step(change, &err)) == 1)
		;
	assert_int_equal(r, -ETIMEDOUT);
	change_free(change);
	assert_non_null(strstr(err.msg, "memory35 of node 1 could not be emptied"));
}

static void
count_status(void *userdata, const struct device_status *status)
{
	++*(int *)userdata;
	assert_int_equal(status->node, 1);
	assert_int_equal(status->blocks, 2);
	assert_int_equal(status->online_blocks, 2);
	assert_int_equal(status->movable_blocks, 2);
	assert_int_equal(status->node_bytes, 256 << 20);
}

static void
test_list(void **state)
{
	struct sluice_err err = {0, ""};
	int count = 0;

	(void)state;
	put_online_dax("Movable\n");
	assert_int_equal(devices_list(&env, count_status, &count, &err), 0);
	assert_int_equal(count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cxl_online, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_cxl_each_failure, NULL, NULL),
		cmocka_unit_test(test_giving_up),
		cmocka_unit_test_setup_teardown(test_policy_and_abandoning, setup,
						fake_root_remove),
		cmocka_unit_test_setup_teardown(test_cxl_offline_and_back, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_shared_region_is_kept, setup,
						fake_root_remove),
		cmocka_unit_test_setup_teardown(test_namespace, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_dax_back_to_its_driver, setup,
						fake_root_remove),
		cmocka_unit_test_setup_teardown(test_nothing_to_do, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_refusals, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_block_kept, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_undoing_hangs, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_wrong_zone_hangs, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_block_hangs, setup, fake_root_remove),
		cmocka_unit_test_setup_teardown(test_list, setup, fake_root_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
