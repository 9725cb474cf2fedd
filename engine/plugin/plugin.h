/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h - finding and loading policies.
 *
 * A file loads only when it is a regular file, owned by root or by the user that runs us, writable
 * by nobody else (nor the folders on its way), and its `sluice_policy` symbol has our ABI, is large
 * enough, and has every required member. Everything is checked on the data, before any of the
 * policy's functions runs.
 */
#ifndef PLUGIN_H
#define PLUGIN_H

#include <stddef.h>

#include "sluice/err.h"
#include "sluice/policy.h"

struct plugin; /* one loaded and initialised policy */

#define PLUGIN_SETTINGS_MAX 32
struct plugin_setting { /* "--policy-set KEY=VALUE" */
	const char *key, *value;
};

/* name: "auto" is looked up as NAME.so in the folders, in order; a text with a '/' is a path.
 * folders ends with NULL. The policy's init() runs with the settings given and its fallbacks for
 * the rest. Errors: -ENOENT missing (the sentence lists what is there), -EACCES writable by others
 * or owned by a stranger, -ENOEXEC not a shared object or not a policy, -EPROTO another ABI or too
 * small, -EINVAL required member missing, or unknown setting (the sentence lists those known), or
 * what init() gave. Main or engine thread. */
int plugin_load(const char *name, const char *const *folders, const struct plugin_setting *settings,
		size_t setting_count, const struct sluice_host *host, struct plugin **ret,
		struct sluice_err *reterr);
void plugin_unload(struct plugin *plugin); /* fini() and dlclose(); NULL is fine */

const struct sluice_policy *plugin_policy(const struct plugin *plugin); /* borrowed */
void *plugin_self(const struct plugin *plugin);
const char *plugin_path(const struct plugin *plugin);

#endif
