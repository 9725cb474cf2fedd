/* SPDX-License-Identifier: Apache-2.0 */
/* change.c - a change from its plan to its end, or back to where it began. See devices.h. */
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../sysroot.h"

uint64_t
change_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int
is_numbered(const char *name, const char *prefix, int parts)
{
	size_t len = strlen(prefix);

	if (strncmp(name, prefix, len) != 0)
		return 0;
	name += len;
	for (int i = 0; i < parts; i++) {
		size_t digits = strspn(name, "0123456789");

		if (digits == 0 || digits > 9 || (i > 0 && name[-1] != '.'))
			return 0;
		name += digits;
		if (i + 1 < parts && *name++ != '.')
			return 0;
	}
	return *name == '\0';
}

enum device_kind
device_kind_of(const char *name)
{
	if (is_numbered(name, "mem", 1))
		return DEVICE_CXL;
	if (is_numbered(name, "dax", 2))
		return DEVICE_DAX;
	return is_numbered(name, "namespace", 2) ? DEVICE_NAMESPACE : DEVICE_NONE;
}

const char *
device_kind_name(enum device_kind kind)
{
	static const char *const names[] = {"none", "cxl", "dax", "namespace"};

	return names[kind];
}

const char *
device_driver_name(enum device_driver driver)
{
	static const char *const names[] = {"none", "devdax", "system-ram", "other"};

	return names[driver];
}

int
change_new(const struct device_env *env, const char *name, enum device_action action,
	   int for_kernel, struct change **ret, struct sluice_err *reterr)
{
	enum device_kind kind = device_kind_of(name);
	struct change *change;
	int r;

	if (kind == DEVICE_NONE)
		return sluice_fail(reterr, -EINVAL,
				   "'%.60s' is not the name of a memory device: mem0 (CXL), dax0.0 "
				   "or namespace0.0 (NVDIMM); 'sluice tier list' shows them",
				   name);
	change = calloc(1, sizeof(*change));
	if (!change)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	change->env = *env;
	change->action = action;
	change->want = for_kernel ? BLOCK_KERNEL : BLOCK_MOVABLE;
	change->node = -1;
	change->complete = 1; /* nothing to undo yet */
	change->root = sysroot_open(env->sysroot);
	if (change->root < 0)
		r = sluice_fail(reterr, change->root, "cannot open the folder '%s': %s",
				env->sysroot, strerror(-change->root));
	else
		r = env->hands->find(env->hands_self, kind, name, &change->facts, reterr);
	if (r == 0) {
		snprintf(change->dax, sizeof(change->dax), "%s", change->facts.dax);
		r = action == DEVICE_ONLINE ? plan_online(change, reterr)
					    : plan_offline(change, reterr);
	}
	if (r < 0) {
		change_free(change);
		return r;
	}
	change->complete = change->count == 0;
	*ret = change;
	return 0;
}

/* From the step under way back to the first. The first trouble's sentence is kept, and the rest is
 * undone all the same. */
static int
undo_all(struct change *change, struct sluice_err *reterr)
{
	int worst = 0;

	blocks_stop_writer(change);
	for (size_t i = change->next + 1; i-- > 0;) {
		struct step *step = &change->steps[i];
		struct sluice_err err = {0, ""};
		int r = i < change->count && step->undo ? step->undo(change, step, &err) : 0;

		if (r < 0 && worst == 0)
			worst = sluice_fail(reterr, r, "%s", err.msg);
	}
	change->undone = worst == 0;
	change->complete = 1;
	return worst;
}

int
change_undo(struct change *change, struct sluice_err *reterr)
{
	struct sluice_err why = {0, ""};
	int r = change && !change->complete ? undo_all(change, &why) : 0;

	return r < 0 ? sluice_fail(reterr, r,
				   "what was done so far could not all be undone: %s. The same "
				   "command again carries on from there",
				   why.msg)
		     : 0;
}

void
change_free(struct change *change)
{
	if (!change)
		return;
	change_undo(change, NULL);
	if (change->root >= 0)
		close(change->root);
	free(change->blocks);
	free(change);
}

size_t
change_count(const struct change *change)
{
	return change->count;
}

const char *
change_sentence(const struct change *change, size_t i)
{
	return i < change->count ? change->steps[i].sentence : "";
}

const char *
change_question(const struct change *change)
{
	return change->question;
}

int
change_node(const struct change *change)
{
	return change->node;
}

static int
fail_step(struct change *change, int code, const struct sluice_err *why, struct sluice_err *reterr)
{
	struct sluice_err trouble = {0, ""};
	size_t failed = change->next;

	if (undo_all(change, &trouble) < 0)
		return sluice_fail(reterr, code,
				   "step %zu of %zu failed (%.90s): %.190s. And undoing the steps "
				   "before it failed too: %.120s",
				   failed + 1, change->count, change->steps[failed].sentence,
				   why->msg, trouble.msg);
	return sluice_fail(reterr, code, "step %zu of %zu failed (%.110s): %.270s. %s", failed + 1,
			   change->count, change->steps[failed].sentence, why->msg,
			   failed ? "The steps before it were undone" : "Nothing was changed");
}

int
change_step(struct change *change, struct sluice_err *reterr)
{
	struct sluice_err err = {0, ""};
	int r;

	if (change->complete)
		return 0;
	if (!change->began_ms)
		change->began_ms = change_now_ms();
	r = change->steps[change->next].act(change, &change->steps[change->next], &err);
	if (r < 0)
		return fail_step(change, r, &err, reterr);
	if (r == STEP_AGAIN)
		return 1;
	change->began_ms = 0;
	change->block_next = 0;
	change->complete = ++change->next == change->count;
	return !change->complete;
}

void
change_get_progress(const struct change *change, struct change_progress *ret)
{
	*ret = (struct change_progress){.step = change->next, .undone = change->undone};
	if (!change->complete && change->block_next) {
		ret->part = change->block_next;
		ret->parts = change->block_count;
	}
}

void
change_get_result(const struct change *change, struct change_result *ret)
{
	uint64_t block_bytes = 0;

	*ret = (struct change_result){.node = change->node, .blocks = change->block_count};
	for (size_t i = 0; i < change->block_count; i++) {
		enum block_state state = block_read(change->root, change->blocks[i].id);

		ret->online_blocks += state != BLOCK_OFFLINE;
		ret->movable_blocks += state == BLOCK_MOVABLE;
	}
	if (blocks_size(change->root, &block_bytes) == 0)
		ret->bytes = ret->online_blocks * block_bytes;
}
