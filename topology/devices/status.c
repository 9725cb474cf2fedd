/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - what became of each device: its node and blocks. See devices_list. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sysroot.h"
#include "change.h"

struct listing {
	const struct device_env *env;
	int root;
	void (*each)(void *userdata, const struct device_status *status);
	void *userdata;
};

static int
list_one(void *userdata, const struct device_facts *facts)
{
	struct listing *listing = userdata;
	struct change *change = calloc(1, sizeof(*change)); /* blocks_find works on one */
	struct device_status status = {.facts = *facts, .node = -1};
	struct change_result result;

	if (!change)
		return -ENOMEM;
	change->env = *listing->env;
	change->root = listing->root;
	change->facts = *facts;
	change->node = -1;
	memcpy(change->dax, facts->dax, sizeof(change->dax));
	if (facts->driver == DRIVER_KMEM && blocks_find(change, NULL) == 0) {
		change_get_result(change, &result);
		status.node = result.node;
		status.node_bytes = result.bytes;
		status.blocks = result.blocks;
		status.online_blocks = result.online_blocks;
		status.movable_blocks = result.movable_blocks;
	}
	listing->each(listing->userdata, &status);
	free(change->blocks);
	free(change);
	return 0;
}

int
devices_list(const struct device_env *env,
	     void (*each)(void *userdata, const struct device_status *status), void *userdata,
	     struct sluice_err *reterr)
{
	struct listing listing = {env, sysroot_open(env->sysroot), each, userdata};
	int r;

	if (listing.root < 0)
		return sluice_fail(reterr, listing.root, "cannot open the folder '%s': %s",
				   env->sysroot, strerror(-listing.root));
	r = env->hands->list(env->hands_self, list_one, &listing, reterr);
	close(listing.root);
	return r;
}
