/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - a change and its steps as the files of this room share them. See devices.h. */
#ifndef DEVICES_CHANGE_H
#define DEVICES_CHANGE_H

#include <sys/types.h>

#include "devices.h"

#define STEPS_MAX 20
#define STEP_AGAIN 1 /* what act() returns when it wants to be called again */
#define PIECE_MS 500 /* after so long it should */

struct step {
	/* 0 done, STEP_AGAIN, or -errno. */
	int (*act)(struct change *change, struct step *step, struct sluice_err *reterr);
	/* Puts back what act did, all of it or only some. NULL: there is nothing to put back, or
	 * the undoing of an earlier step does it. */
	int (*undo)(struct change *change, struct step *step, struct sluice_err *reterr);
	char sentence[DEVICE_SENTENCE_BYTES];
	/* What act and undo work with; each knows which. */
	char path[128], value[64], back_path[128], back[64];
	enum device_driver driver, was;
	int did;
};

enum block_state { BLOCK_OFFLINE, BLOCK_MOVABLE, BLOCK_KERNEL };

struct block {
	uint32_t id;
	uint8_t was; /* enum block_state, when it was found */
};

struct change {
	struct device_env env;
	int root;
	struct device_facts facts;
	enum device_action action;
	enum block_state want;
	char question[DEVICE_SENTENCE_BYTES];

	struct step steps[STEPS_MAX];
	size_t count, next;
	int complete, undone;
	uint64_t began_ms; /* the step under way */

	char dax[DEVICE_NAME_BYTES];
	int node;
	struct block *blocks; /* of dax, while its memory is there */
	size_t block_count, block_next;
	pid_t writer; /* a child that is emptying a block, 0 none */
	uint64_t writer_began_ms;
};

uint64_t change_now_ms(void);

/* plan.c: the steps for what is asked. */
int plan_online(struct change *change, struct sluice_err *reterr);
int plan_offline(struct change *change, struct sluice_err *reterr);

/* steps.c: the next step, all zero but for its sentence. */
struct step *step_add(struct change *change, const char *sentence, ...)
	__attribute__((format(printf, 2, 3)));
/* A value to write, and what to write to undo that; back NULL: nothing. */
void step_write(struct change *change, const char *sentence, const char *path, const char *value,
		const char *back_path, const char *back);
void step_load(struct change *change, const char *modules);
void step_find_dax(struct change *change);
void step_drive(struct change *change, enum device_driver driver);
void step_make_devdax(struct change *change);
int change_write(const struct change *change, const char *path, const char *value,
		 struct sluice_err *reterr);
/* A dax device in a folder of sysfs. -ENOENT. */
int find_dax_under(int root, const char *folder, char ret_dax[DEVICE_NAME_BYTES]);
enum device_driver read_driver(int root, const char *dax);

/* blocks.c: steps. */
void step_find_blocks(struct change *change);
void step_online_blocks(struct change *change);
void step_offline_blocks(struct change *change);
void step_check_node(struct change *change);
/* All that is online goes offline, whoever brought it online: before a driver is unbound. Ends at
 * the first block that is not empty in time. */
int blocks_clear(struct change *change, struct sluice_err *reterr);
void blocks_stop_writer(struct change *change);

/* blocks_find.c */
/* Reads the blocks of change->dax anew. -ENOENT: there are none. */
int blocks_find(struct change *change, struct sluice_err *reterr);
int blocks_size(int root, uint64_t *ret_bytes);
enum block_state block_read(int root, uint32_t id); /* BLOCK_OFFLINE when it is not there */
int block_exists(int root, uint32_t id);

#endif
