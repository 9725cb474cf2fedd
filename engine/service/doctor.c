/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.c - the checks of `sluice doctor`, one function each. See doctor.h. */
#include "doctor.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_kernel.h"
#include "exit_status.h"
#include "json_text.h"
#include "lock.h"
#include "mover_registry.h"
#include "plugin.h"
#include "policies_json.h"
#include "procfs.h"
#include "sampler_registry.h"

void
finding_add(struct findings *findings, const char *check, enum verdict verdict, const char *advice,
	    const char *format, ...)
{
	static const char *const names[] = {"ok", "warning", "no"};
	char detail[768];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	json_array_append_new(findings->rows,
			      json_pack("{s:s, s:s, s:o, s:o}", "check", check, "verdict",
					names[verdict], "detail", json_text(detail), "advice",
					advice ? json_text(advice) : json_null()));
}

static void
check_permission(struct findings *findings)
{
	/* Bits of linux/capability.h. */
	static const struct {
		int bit;
		const char *name;
	} wanted[] = {{23, "CAP_SYS_NICE"}, {19, "CAP_SYS_PTRACE"}, {21, "CAP_SYS_ADMIN"}};
	char text[4096], missing[128] = "";
	unsigned long long effective = 0;
	size_t used = 0;

	if (procfs_text("", getpid(), "status", text, sizeof(text)) > 0) {
		const char *line = strstr(text, "\nCapEff:");

		effective = line ? strtoull(line + 8, NULL, 16) : 0;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!(effective >> wanted[i].bit & 1))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s",
						 used ? ", " : "", wanted[i].name);
	}
	if (!missing[0])
		finding_add(findings, "permission", VERDICT_OK, NULL,
			    "uid %u with the capabilities to move pages of any process and to set "
			    "up trackers",
			    (unsigned int)geteuid());
	else
		finding_add(
			findings, "permission", VERDICT_WARNING,
			"run as root to tier processes of others and to use the better trackers",
			"uid %u without %s: only processes of this user can be tiered",
			(unsigned int)geteuid(), missing);
}

static void
check_tiers(struct findings *findings, struct sluice_topology *topology,
	    const struct sluice_err *err)
{
	char list[512] = "";
	size_t used = 0, count;

	if (!topology) {
		finding_add(findings, "tiers", VERDICT_NO, "check that /sys is mounted", "%s",
			    err->msg);
		return;
	}
	count = sluice_topology_tier_count(topology);
	for (size_t i = 0; i < count && used < sizeof(list); i++) {
		const struct sluice_tier_info *tier = sluice_topology_tier(topology, i);

		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s (%.1f GiB)",
					 i ? ", " : "", sluice_tier_kind_name(tier->kind),
					 (double)tier->total_bytes / (1 << 30));
	}
	findings->has_tiers = count >= 2;
	if (findings->has_tiers)
		finding_add(findings, "tiers", VERDICT_OK, NULL, "%zu tiers, fastest first: %s",
			    count, list);
	else
		finding_add(
			findings, "tiers", VERDICT_NO,
			"bring CXL or persistent memory online as a NUMA node (daxctl "
			"reconfigure-device --mode=system-ram); deploy/demo.sh shows tiering in "
			"a guest that has it",
			"only one tier: %s", list);
}

static int
names_contain(const char *names, const char *name)
{
	size_t want = strlen(name);

	while (*names) {
		size_t len = strcspn(names, ",");

		if (len == want && memcmp(names, name, len) == 0)
			return 1;
		names += len + (names[len] == ',');
	}
	return 0;
}

static void
check_samplers(struct findings *findings, const struct ops_env *env, const char *in_use)
{
	for (size_t i = 0; sampler_at(i); i++) {
		const struct sampler_ops *ops = sampler_at(i);
		char check[64], sentence[OPS_SENTENCE_BYTES] = "";
		int works;

		if (ops->for_tests)
			continue;
		snprintf(check, sizeof(check), "sampler %s", ops->name);
		if (names_contain(in_use, ops->name)) {
			findings->has_sampler = 1;
			finding_add(findings, check, VERDICT_OK, NULL, "%s; in use by this service",
				    ops->summary);
			continue;
		}
		works = env->topology ? ops->probe(env, sentence) == 0 : 0;
		findings->has_sampler |= works;
		finding_add(findings, check, works ? VERDICT_OK : VERDICT_WARNING, NULL, "%s",
			    sentence[0]     ? sentence
			    : env->topology ? ops->summary
					    : "not probed, as the tiers are unknown");
	}
	if (!findings->has_sampler)
		finding_add(findings, "tracking", VERDICT_NO,
			    "follow what a sampler above asks for", "no sampler works here");
}

static void
check_movers(struct findings *findings, const struct ops_env *env)
{
	for (size_t i = 0; mover_at(i); i++) {
		const struct mover_ops *ops = mover_at(i);
		char check[64], sentence[OPS_SENTENCE_BYTES] = "";
		int works;

		if (ops->for_tests)
			continue;
		snprintf(check, sizeof(check), "mover %s", ops->name);
		works = env->topology ? ops->probe(env, sentence) == 0 : 0;
		findings->has_mover |= works;
		finding_add(findings, check, works ? VERDICT_OK : VERDICT_WARNING, NULL, "%s",
			    sentence[0]     ? sentence
			    : env->topology ? ops->summary
					    : "not probed, as the tiers are unknown");
	}
	if (!findings->has_mover)
		finding_add(findings, "moving", VERDICT_NO, "follow what a mover above asks for",
			    "no mover works here");
}

static void
check_policies(struct findings *findings, const struct options *options)
{
	const char *wanted = options_text(options, OPTION_POLICY, 0);
	struct sluice_err err = {0, ""};
	json_t *found = NULL, *policy;
	char names[512] = "";
	size_t i, used = 0;
	int is_there = strchr(wanted, '/') != NULL;

	if (policies_to_json(options, &found, &err) < 0) {
		finding_add(findings, "policies", VERDICT_NO,
			    "set policy-dir to a folder of policies", "%s", err.msg);
		return;
	}
	json_array_foreach (json_object_get(found, "policies"), i, policy) {
		const char *name = json_string_value(json_object_get(policy, "name"));
		const char *path = json_string_value(json_object_get(policy, "path"));
		const char *problem = json_string_value(json_object_get(policy, "problem"));

		if (problem) {
			finding_add(findings, "policy file", VERDICT_WARNING,
				    "mend or remove the file", "%s: %s", path, problem);
			continue;
		}
		is_there |= strcmp(name, wanted) == 0;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", name);
	}
	json_decref(found);
	findings->has_policy = is_there;
	if (is_there)
		finding_add(findings, "policies", VERDICT_OK, NULL, "%s; in use: %s", names,
			    wanted);
	else
		finding_add(findings, "policies", VERDICT_NO,
			    "install the policies, or name their folder with policy-dir",
			    "the policy '%s' is not among those found (%s)", wanted,
			    used ? names : "none");
}

/* Records of settings that were changed, of which no running engine is the owner. */
static void
check_left_behind(struct findings *findings, const char *state_dir)
{
	char path[4200];
	struct dirent *entry;
	size_t count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/settings", state_dir);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	if (count == 0 || lock_holder(state_dir))
		finding_add(findings, "left behind", VERDICT_OK, NULL,
			    "no killed run left changed kernel settings");
	else
		finding_add(findings, "left behind", VERDICT_WARNING,
			    "run 'sluice restore', or start Sluice: it puts them back first",
			    "%zu kernel setting%s that a killed run changed, recorded in %s", count,
			    count == 1 ? "" : "s", path);
}

static void
check_other_service(struct findings *findings, const struct service *service, const char *state_dir)
{
	pid_t holder = lock_holder(state_dir);

	if (service->engine)
		finding_add(findings, "other sluiced", VERDICT_OK, NULL,
			    "this service (pid %d) tiers this machine's memory", (int)getpid());
	else if (holder)
		finding_add(findings, "other sluiced", VERDICT_WARNING,
			    "use 'sluice attach PID' to add a process to it, or stop it",
			    "pid %d tiers this machine's memory already", (int)holder);
	else
		finding_add(findings, "other sluiced", VERDICT_OK, NULL, "none runs");
}

static int
findings_exit(const struct findings *findings)
{
	if (!findings->has_tiers)
		return EXIT_NO_TIER;
	if (!findings->has_sampler || !findings->has_mover)
		return EXIT_NO_BACKEND;
	return findings->has_policy ? EXIT_OK : EXIT_POLICY;
}

json_t *
doctor_examine(struct service *service)
{
	const char *sysroot = options_text(service->options, OPTION_SYSROOT, 0);
	const char *state_dir = options_text(service->options, OPTION_STATE_DIR, 0);
	char folder[PATHS_MAX];
	struct sluice_topology_options options = setup_topology(service->options, folder);
	struct findings findings = {.rows = json_array()};
	struct sluice_topology *topology = NULL;
	struct ops_env env = {.sysroot = sysroot, .state_dir = state_dir};
	struct sluice_err err = {0, ""};

	service->status->samplers[0] = '\0';
	if (service->engine)
		engine_get_status(service->engine, service->status);
	sluice_topology_load(&options, &topology, &err);
	env.topology = topology;
	env.topology_options = &options;
	check_permission(&findings);
	check_tiers(&findings, topology, &err);
	doctor_check_pmu(&findings, sysroot, topology);
	check_samplers(&findings, &env, service->status->samplers);
	check_movers(&findings, &env);
	check_policies(&findings, service->options);
	doctor_check_kernel(&findings, sysroot,
			    names_contain(service->status->samplers, "damon") ||
				    names_contain(service->status->samplers, "damon-paddr"));
	check_other_service(&findings, service, state_dir);
	check_left_behind(&findings, state_dir);
	sluice_topology_free(topology);
	return json_pack("{s:b, s:i, s:o}", "works", findings_exit(&findings) == EXIT_OK, "exit",
			 findings_exit(&findings), "checks", findings.rows);
}
