/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - see setup.h. */
#include "setup.h"

#include <errno.h>
#include <string.h>

#include "exit_status.h"
#include "mover_registry.h"
#include "sampler_registry.h"

struct sluice_topology_options
setup_topology(const struct options *options, char folder[PATHS_MAX])
{
	const char *state_dir = options_layer(options, OPTION_STATE_DIR) == LAYER_DEFAULT
					? NULL
					: options_text(options, OPTION_STATE_DIR, 0);

	return (struct sluice_topology_options){
		.sysroot = options_text(options, OPTION_SYSROOT, 0),
		.overrides = options_text(options, OPTION_NODES, 0),
		.synthetic = options_text(options, OPTION_SYNTHETIC, 0),
		.measured_dir = paths_measured(state_dir, 0, folder),
	};
}

int
setup_from_options(const struct options *options, struct setup *ret, struct sluice_err *reterr)
{
	struct engine_options *engine = &ret->engine;

	memset(ret, 0, sizeof(*ret));
	engine->sysroot = options_text(options, OPTION_SYSROOT, 0);
	engine->state_dir = options_text(options, OPTION_STATE_DIR, 0);
	engine->nodes = options_text(options, OPTION_NODES, 0);
	engine->measured_dir = setup_topology(options, ret->measured_dir).measured_dir;
	if (*options_text(options, OPTION_SYNTHETIC, 0))
		return sluice_fail(reterr, -EINVAL,
				   "synthetic: a made-up machine cannot run programs; only 'sluice "
				   "topology' looks at one");
	engine->sampler = options_text(options, OPTION_SAMPLER, 0);
	engine->mover = options_text(options, OPTION_MOVER, 0);
	engine->policy = options_text(options, OPTION_POLICY, 0);
	for (size_t i = 0; i < ENGINE_FOLDERS_MAX; i++)
		engine->folders[i] = options_text(options, OPTION_POLICY_DIR, i);
	for (size_t i = 0; i < options_count(options, OPTION_POLICY_SET); i++) {
		const char *text = options_text(options, OPTION_POLICY_SET, i);
		size_t len = strcspn(text, "=");

		if (len >= sizeof(ret->keys[i]))
			return sluice_fail(
				reterr, -EINVAL,
				"policy-set: the key of '%.80s' is longer than %zu bytes", text,
				sizeof(ret->keys[i]) - 1);
		memcpy(ret->keys[i], text, len);
		engine->settings[i].key = ret->keys[i];
		engine->settings[i].value = text + len + 1;
		engine->setting_count++;
	}
	round_default_options(&engine->round);
	engine->round.interval_ms = (uint32_t)options_number(options, OPTION_INTERVAL);
	engine->round.rate_bps = (uint64_t)options_number(options, OPTION_RATE);
	engine->round.watermark_percent = options_number(options, OPTION_WATERMARK);
	engine->round.payback_horizon_ms =
		(uint64_t)options_number(options, OPTION_PAYBACK_HORIZON);
	engine->round.tracking_percent = options_number(options, OPTION_TRACKING);
	engine->round.dry_run = options_number(options, OPTION_DRY_RUN) != 0;
	return 0;
}

static int
check_sampler(const char *name, struct sluice_err *reterr)
{
	char names[256] = "auto";
	size_t used = strlen(names);

	if (strcmp(name, "auto") == 0 || sampler_by_name(name))
		return 0;
	for (size_t i = 0; sampler_at(i) && used < sizeof(names); i++) {
		if (!sampler_at(i)->for_tests)
			used += (size_t)snprintf(names + used, sizeof(names) - used, ", %s",
						 sampler_at(i)->name);
	}
	return sluice_fail(reterr, -EINVAL, "there is no sampler '%s'; known: %s", name, names);
}

static int
check_mover(const char *name, struct sluice_err *reterr)
{
	char names[256] = "";
	size_t used = 0;

	if (mover_by_name(name))
		return 0;
	for (size_t i = 0; mover_at(i) && used < sizeof(names); i++) {
		if (!mover_at(i)->for_tests)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", mover_at(i)->name);
	}
	return sluice_fail(reterr, -EINVAL, "there is no mover '%s'; known: %s", name, names);
}

static int
check_tiers(const struct engine_options *engine, struct sluice_err *reterr)
{
	struct sluice_topology_options options = {
		.sysroot = engine->sysroot,
		.overrides = engine->nodes,
		.measured_dir = engine->measured_dir,
	};
	struct sluice_topology *topology;
	size_t count;
	int r = sluice_topology_load(&options, &topology, reterr);

	if (r < 0)
		return r;
	count = sluice_topology_tier_count(topology);
	sluice_topology_free(topology);
	if (count < 2)
		return sluice_fail(reterr, -ENODEV,
				   "this machine has only one memory tier, so there is nothing to "
				   "move between; 'sluice topology' shows what was found, and CXL "
				   "or persistent memory must be online as a NUMA node");
	return 0;
}

int
setup_check(const struct setup *setup, int *ret_exit, struct sluice_err *reterr)
{
	const struct engine_options *engine = &setup->engine;
	enum fail_stage stage = STAGE_ARGUMENTS;
	struct plugin *plugin;
	int r = check_sampler(engine->sampler, reterr);

	if (r == 0)
		r = check_mover(engine->mover, reterr);
	if (r == 0 && !engine->watch_only) {
		/* init() runs here and again in the engine; that costs nothing, and only so does
		 * a bad policy show before a kernel setting was touched. */
		stage = STAGE_POLICY;
		r = plugin_load(engine->policy, engine->folders, engine->settings,
				engine->setting_count, round_host(), &plugin, reterr);
		if (r == 0)
			plugin_unload(plugin);
	}
	if (r == 0 && !engine->watch_only) {
		stage = STAGE_TIERS;
		r = check_tiers(engine, reterr);
		if (r == -EINVAL) /* the corrections do not parse */
			stage = STAGE_ARGUMENTS;
	}
	if (r < 0)
		*ret_exit = exit_status_of(stage, r);
	return r;
}
