/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs.c - what requests of the control protocol mean: one function a verb, one table of verbs.
 * Those that need more than a few lines have files of their own, such as engine_verbs.c. Requests
 * are checked strictly; a member that is missing or of the wrong type is an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "doctor.h"
#include "engine_verbs.h"
#include "exit_status.h"
#include "json_text.h"
#include "lock.h"
#include "measuring.h"
#include "policies_json.h"
#include "record_verbs.h"
#include "service.h"
#include "tier_verbs.h"
#include "topology_json.h"
#include "verb_answers.h"

static json_t *
verb_start(struct service *service, struct control_client *client, const json_t *request)
{
	struct sluice_err err = {0, ""};
	int status = EXIT_GENERAL;
	int r = service_start_engine(service, &status, &err);

	(void)client;
	(void)request;
	return r < 0 ? control_error(r, status, err.msg) : success(NULL);
}

static json_t *
verb_stop(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	(void)request;
	if (!service->is_private)
		return control_error(-EPERM, EXIT_NOT_PERMITTED,
				     "only a private service stops on request; use 'systemctl stop "
				     "sluiced', or send it SIGTERM");
	service_stop_engine(service);
	return success(NULL);
}

static json_t *
verb_topology(struct service *service, struct control_client *client, const json_t *request)
{
	char folder[PATHS_MAX];
	struct sluice_topology_options options = setup_topology(service->options, folder);
	const json_t *facts = json_object_get(request, "facts");
	struct sluice_topology *topology;
	struct sluice_err err = {0, ""};
	json_t *members;
	int r;

	(void)client;
	if (facts && !json_is_boolean(facts))
		return control_error(-EBADMSG, EXIT_USAGE, "\"facts\" must be true or false");
	r = sluice_topology_load(&options, &topology, &err);
	if (r < 0)
		return failure(r == -EINVAL ? STAGE_ARGUMENTS : STAGE_OTHER, r, &err);
	members = topology_to_json(topology, json_is_true(facts));
	sluice_topology_free(topology);
	return members ? success(members) : NULL;
}

static json_t *
verb_capture(struct service *service, struct control_client *client, const json_t *request)
{
	const char *synthetic = options_text(service->options, OPTION_SYNTHETIC, 0);
	struct sluice_err err = {0, ""};
	char *text = NULL;
	json_t *answer;
	int r;

	(void)client;
	(void)request;
	if (synthetic && synthetic[0])
		return control_error(
			-EINVAL, EXIT_USAGE,
			"a machine that is made up (synthetic) has no files to capture");
	r = sluice_topology_capture(options_text(service->options, OPTION_SYSROOT, 0), &text, &err);
	if (r < 0)
		return failure(r == -EINVAL ? STAGE_ARGUMENTS : STAGE_OTHER, r, &err);
	answer = json_pack("{s:s}", "capture", text); /* it is ASCII */
	free(text);
	return answer ? success(answer) : NULL;
}

static json_t *
verb_measure(struct service *service, struct control_client *client, const json_t *request)
{
	struct sluice_err err = {0, ""};
	int r;

	(void)client;
	if (!service->is_private)
		return control_error(-EPERM, EXIT_NOT_PERMITTED,
				     "only a private service measures, as this one's moves would "
				     "disturb it; use 'sluice topology --measure'");
	if (service->measuring)
		return control_error(-EALREADY, EXIT_GENERAL, "it is being measured already");
	r = measuring_start(service->options, request, &service->measuring, &err);
	return r < 0 ? failure(r == -EAGAIN ? STAGE_OTHER : STAGE_ARGUMENTS, r, &err)
		     : success(NULL);
}

static json_t *
verb_measure_status(struct service *service, struct control_client *client, const json_t *request)
{
	struct sluice_err err = {0, ""};
	json_t *members = NULL;
	int r;

	(void)client;
	(void)request;
	if (!service->measuring)
		return control_error(-ENOENT, EXIT_GENERAL, "nothing is being measured");
	r = measuring_status(service->measuring, &members, &err);
	if (r < 0)
		return failure(r == -EINVAL || r == -ERANGE ? STAGE_ARGUMENTS : STAGE_OTHER, r,
			       &err);
	return success(members);
}

static json_t *
verb_measure_stop(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	(void)request;
	if (!service->measuring)
		return control_error(-ENOENT, EXIT_GENERAL, "nothing is being measured");
	measuring_stop(service->measuring);
	return success(NULL);
}

static json_t *
verb_doctor(struct service *service, struct control_client *client, const json_t *request)
{
	json_t *members = doctor_examine(service);

	(void)client;
	(void)request;
	return members ? success(members) : NULL;
}

static json_t *
verb_policies(struct service *service, struct control_client *client, const json_t *request)
{
	struct sluice_err err = {0, ""};
	json_t *members = NULL;
	int r = policies_to_json(service->options, &members, &err);

	(void)client;
	(void)request;
	return r < 0 ? failure(STAGE_POLICY, r, &err) : success(members);
}

static json_t *
verb_config(struct service *service, struct control_client *client, const json_t *request)
{
	json_t *rows = json_array();

	(void)client;
	(void)request;
	for (int id = 0; id < OPTION_COUNT; id++) {
		json_t *values = json_array();
		enum option_id option = (enum option_id)id;

		for (size_t i = 0; i < options_count(service->options, option); i++)
			json_array_append_new(values,
					      json_text(options_text(service->options, option, i)));
		json_array_append_new(
			rows, json_pack("{s:s, s:o, s:s, s:s}", "key", option_table[id].name,
					"values", values, "from",
					option_layer_name(options_layer(service->options, option)),
					"help", option_table[id].help));
	}
	return success(json_pack("{s:o}", "options", rows));
}

static json_t *
verb_restore(struct service *service, struct control_client *client, const json_t *request)
{
	const char *state_dir = options_text(service->options, OPTION_STATE_DIR, 0);
	struct sluice_err err = {0, ""};
	int r = engine_restore(options_text(service->options, OPTION_SYSROOT, 0), state_dir, &err);

	(void)client;
	(void)request;
	if (r < 0)
		return failure(STAGE_OTHER, r, &err);
	/* What a running engine changed is its own, and was not touched: say who that is. */
	return success(json_pack("{s:i, s:o}", "restored", r, "running_pid",
				 lock_holder(state_dir) ? json_integer(lock_holder(state_dir))
							: json_null()));
}

static json_t *
verb_tier_list(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	return tier_list(service, request);
}

static json_t *
verb_tier_open(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	return tier_open(service, request);
}

static json_t *
verb_tier_step(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	return tier_step(service, request);
}

static json_t *
verb_tier_undo(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	return tier_undo(service, request);
}

static json_t *
verb_record_status(struct service *service, struct control_client *client, const json_t *request)
{
	(void)client;
	(void)request;
	return record_status(service);
}

static json_t *
verb_record_end(struct service *service, struct control_client *client, const json_t *request)
{
	(void)request;
	return record_end(service, client);
}

struct verb {
	const char *name;
	int needs_engine;
	json_t *(*run)(struct service *service, struct control_client *client,
		       const json_t *request);
};

static const struct verb verbs[] = {
	{"attach", 1, verb_attach},
	{"capture", 0, verb_capture},
	{"config", 0, verb_config},
	{"detach", 1, verb_detach},
	{"doctor", 0, verb_doctor},
	{"measure", 0, verb_measure},
	{"measure_status", 0, verb_measure_status},
	{"measure_stop", 0, verb_measure_stop},
	{"drain", 0, verb_drain},
	{"policies", 0, verb_policies},
	{"record", 0, record_begin},
	{"record_end", 0, verb_record_end},
	{"record_status", 0, verb_record_status},
	{"restore", 0, verb_restore},
	{"start", 0, verb_start},
	{"status", 1, verb_status},
	{"stop", 0, verb_stop},
	{"tier_list", 0, verb_tier_list},
	{"tier_open", 0, verb_tier_open},
	{"tier_step", 0, verb_tier_step},
	{"tier_undo", 0, verb_tier_undo},
	{"topology", 0, verb_topology},
	{"watch", 1, verb_watch},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static json_t *
unknown_verb(const char *name)
{
	char message[768], names[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < VERB_COUNT && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 verbs[i].name);
	if (name)
		snprintf(message, sizeof(message), "unknown verb '%.100s'; there are %s", name,
			 names);
	else
		snprintf(message, sizeof(message), "\"verb\" is missing; there are %s", names);
	return control_error(-EBADMSG, EXIT_USAGE, message);
}

static json_t *
on_request(void *ctx, struct control_client *client, const json_t *request)
{
	struct service *service = ctx;
	const char *name = json_string_value(json_object_get(request, "verb"));

	for (size_t i = 0; name && i < VERB_COUNT; i++) {
		struct sluice_err err = {0, ""};
		int status = EXIT_GENERAL, r = 0;

		if (strcmp(verbs[i].name, name) != 0)
			continue;
		if (verbs[i].needs_engine)
			r = service_start_engine(service, &status, &err);
		return r < 0 ? control_error(r, status, err.msg)
			     : verbs[i].run(service, client, request);
	}
	return unknown_verb(name);
}

const struct control_ops service_control_ops = {
	.request = on_request, .event = engine_event, .closed = engine_closed};
