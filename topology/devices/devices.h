/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devices.h - memory devices that become NUMA nodes, and nodes that become devices again.
 *
 * What the room of facts (topology) only reads, this one changes: CXL memory devices (mem0), dax
 * devices (dax0.0) and NVDIMM namespaces (namespace0.0) are brought online as memory and taken
 * offline. A change is planned first, from facts, as a list of steps, each with its sentence, what
 * it does and what undoes it. Then it is carried out step by step; when a step fails, or the change
 * is given up, what was done is undone in reverse.
 *
 * What asks the libraries (libcxl, libdaxctl, libndctl, libkmod) stands behind device_hands, all
 * else is sysfs under a replaceable root, so that tests run the real steps over a made-up machine.
 * No global setting is changed: whatever the kernel's policy for new memory is, blocks are brought
 * to the state that was asked for one by one. One thread.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/err.h"

#define DEVICE_NAME_BYTES 32
#define DEVICE_SENTENCE_BYTES 240

enum device_kind { DEVICE_NONE, DEVICE_CXL, DEVICE_DAX, DEVICE_NAMESPACE };

/* Who drives a dax device: kmem makes memory of it. */
enum device_driver { DRIVER_NONE, DRIVER_DEVDAX, DRIVER_KMEM, DRIVER_OTHER };

/* What is known of a device before anything is changed. Names are "" for what is not there. */
struct device_facts {
	enum device_kind kind;
	char name[DEVICE_NAME_BYTES];
	uint64_t size_bytes; /* that could become memory, before the kernel's alignment */
	char dax[DEVICE_NAME_BYTES];
	enum device_driver driver; /* of dax */
	int target_node;           /* of dax, -1 unknown */
	int persistent;            /* what is stored in it would be lost */

	/* CXL: a region is made of one endpoint decoder's memory in a window of addresses. */
	uint64_t serial;
	char window[DEVICE_NAME_BYTES];  /* root decoder */
	char decoder[DEVICE_NAME_BYTES]; /* endpoint decoder, of the region or free for one */
	char region[DEVICE_NAME_BYTES];  /* the one that there is, else the one to be made */
	int has_region, region_enabled;
	int removable_region; /* made of this device alone, and not locked by the firmware */
	char why_not[DEVICE_SENTENCE_BYTES]; /* no region can be made, because ... */

	char mode[16]; /* namespaces: raw, fsdax, sector, devdax */
};

/* All that changes something, and what only libraries can tell. `self` is the test's; the libraries
 * need none. All required; 0 or -errno with a sentence. */
struct device_hands {
	/* A value into a file of sysfs under the root; may last, and be called in a child process.
	 * 0 or -errno. */
	int (*write)(void *self, int root, const char *path, const char *value);
	/* -ENODEV: there is none; the sentence says which there are. */
	int (*find)(void *self, enum device_kind kind, const char *name, struct device_facts *ret,
		    struct sluice_err *reterr);
	/* All devices; ends early when each returns non-zero. */
	int (*list)(void *self, int (*each)(void *userdata, const struct device_facts *facts),
		    void *userdata, struct sluice_err *reterr);
	int (*load)(void *self, const char *module, struct sluice_err *reterr);
	/* DRIVER_NONE, DRIVER_DEVDAX or DRIVER_KMEM; its memory must be offline. */
	int (*drive)(void *self, const char *dax, enum device_driver driver,
		     struct sluice_err *reterr);
	/* Make a dax device of a namespace, and the raw namespace of that again. */
	int (*make_devdax)(void *self, const char *nspace, struct sluice_err *reterr);
	int (*make_raw)(void *self, const char *nspace, struct sluice_err *reterr);
};
extern const struct device_hands device_hands_libraries;

struct device_env {
	const char *sysroot; /* "" is the machine */
	const struct device_hands *hands;
	void *hands_self;
	uint32_t wait_ms; /* how long the kernel may take for what it does by itself */
	/* How long one block of memory may take to be emptied, forward and in undoing. */
	uint32_t offline_ms;
};

#define DEVICE_WAIT_MS 10000
#define DEVICE_OFFLINE_MS 60000

struct device_status {
	struct device_facts facts;
	int node;            /* of its memory blocks, -1 when there are none */
	uint64_t node_bytes; /* in blocks that are online */
	size_t blocks, online_blocks, movable_blocks;
};

/* "mem0", "dax0.0", "namespace0.0"; DEVICE_NONE for anything else. */
enum device_kind device_kind_of(const char *name);
const char *device_kind_name(enum device_kind kind); /* "cxl", "dax", "namespace" */
const char *device_driver_name(enum device_driver driver);

/* each is called for all of them, with a status that is borrowed for the call. */
int devices_list(const struct device_env *env,
		 void (*each)(void *userdata, const struct device_status *status), void *userdata,
		 struct sluice_err *reterr);

enum device_action { DEVICE_ONLINE, DEVICE_OFFLINE };

struct change;

/* Plans; changes nothing. env is borrowed until change_free. -EINVAL: that is no device's name, or
 * nothing of that kind can be done; -ENODEV: there is no such device; -EPERM. */
int change_new(const struct device_env *env, const char *name, enum device_action action,
	       int for_kernel, struct change **ret, struct sluice_err *reterr);
/* Gives a change up: what is not complete is undone. As long as its steps took, with the same limit
 * for each block of memory (of each step, the first over it is the last waited for); and no one may
 * be told that all is as before until it gives 0. NULL, and one that is complete, are fine. */
int change_undo(struct change *change, struct sluice_err *reterr);
/* Undoes what is not complete, and cannot say whether that worked. NULL is fine. */
void change_free(struct change *change);

size_t change_count(const struct change *change); /* steps; 0: it is as asked for already */
const char *change_sentence(const struct change *change, size_t i);
/* What would be lost, to be asked for; "" when nothing is. */
const char *change_question(const struct change *change);
/* The node whose memory goes or came; -1 when it is not known yet. */
int change_node(const struct change *change);

struct change_progress {
	size_t step;        /* steps that are complete */
	size_t part, parts; /* blocks of memory of the step under way; 0 of 0 when it has none */
	int undone;         /* after a failure: 1 all is as before, 0 not; see the sentence */
};

struct change_result {
	int node;       /* -1 unknown */
	uint64_t bytes; /* of the device's memory that is online */
	size_t blocks, online_blocks, movable_blocks;
};

/* Does a piece of the work that takes about a second at most. 1: there is more; 0: complete. On
 * failure everything is undone before this returns, and the sentence says which step failed, why,
 * and whether the undoing worked. */
int change_step(struct change *change, struct sluice_err *reterr);
void change_get_progress(const struct change *change, struct change_progress *ret);
void change_get_result(const struct change *change, struct change_result *ret);

#endif
