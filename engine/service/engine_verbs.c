/* SPDX-License-Identifier: Apache-2.0 */
/* engine_verbs.c - see engine_verbs.h. Requests are checked as strictly as in verbs.c. */
#include "engine_verbs.h"

#include <errno.h>
#include <stdint.h>

#include "follow.h"
#include "log.h"
#include "record_verbs.h"
#include "service.h"
#include "status_json.h"
#include "verb_answers.h"

static int
request_pid(const json_t *request, int32_t *ret, struct sluice_err *reterr)
{
	const json_t *pid = json_object_get(request, "pid");

	if (!json_is_integer(pid) || json_integer_value(pid) <= 0 ||
	    json_integer_value(pid) > INT32_MAX)
		return sluice_fail(reterr, -EBADMSG, "\"pid\" must be a positive integer");
	*ret = (int32_t)json_integer_value(pid);
	return 0;
}

json_t *
verb_attach(struct service *service, struct control_client *client, const json_t *request)
{
	const json_t *follow = json_object_get(request, "follow");
	const json_t *start = json_object_get(request, "start_ticks");
	struct sluice_err err = {0, ""};
	int32_t pid = 0;
	int r = request_pid(request, &pid, &err);

	(void)client;
	if (r < 0 || (follow && !json_is_boolean(follow)))
		return control_error(-EBADMSG, EXIT_USAGE,
				     r < 0 ? err.msg : "\"follow\" must be true or false");
	if (start && (!json_is_integer(start) || json_integer_value(start) <= 0))
		return control_error(-EBADMSG, EXIT_USAGE,
				     "\"start_ticks\" must be a positive integer");
	r = engine_attach(service->engine, pid, (uint64_t)json_integer_value(start), &err);
	if (r < 0)
		return failure(STAGE_TARGET, r, &err);
	if (json_is_true(follow) && follow_add(service->follow, pid) == -ENOSPC)
		log_warn("service", "too many followed processes: children of %d are not tiered",
			 pid);
	return success(json_pack("{s:i}", "pid", pid));
}

json_t *
verb_detach(struct service *service, struct control_client *client, const json_t *request)
{
	struct sluice_err err = {0, ""};
	int32_t pid = 0;
	int r = request_pid(request, &pid, &err);

	(void)client;
	if (r < 0)
		return control_error(r, EXIT_USAGE, err.msg);
	follow_remove(service->follow, pid);
	r = engine_detach(service->engine, pid, &err);
	return r < 0 ? failure(STAGE_TARGET, r, &err) : success(json_pack("{s:i}", "pid", pid));
}

static json_t *
status_members(struct service *service)
{
	json_t *members;

	engine_get_status(service->engine, service->status);
	members = status_to_json(service->status);
	if (members)
		json_object_set_new(
			members, "dry_run",
			json_boolean(options_number(service->options, OPTION_DRY_RUN) != 0));
	return members;
}

json_t *
verb_status(struct service *service, struct control_client *client, const json_t *request)
{
	json_t *members = status_members(service);

	(void)client;
	(void)request;
	return members ? success(members) : NULL;
}

json_t *
verb_watch(struct service *service, struct control_client *client, const json_t *request)
{
	const json_t *interval = json_object_get(request, "interval_ms");

	(void)service;
	if (!json_is_integer(interval) || json_integer_value(interval) < 0 ||
	    json_integer_value(interval) > 3600000 ||
	    (json_integer_value(interval) > 0 && json_integer_value(interval) < 100))
		return control_error(-EBADMSG, EXIT_USAGE,
				     "\"interval_ms\" must be 100 to 3600000, or 0 to stop");
	control_watch(client, (uint64_t)json_integer_value(interval));
	return success(NULL);
}

/* A node is emptied for as long as the client that asked for it is there. */
json_t *
verb_drain(struct service *service, struct control_client *client, const json_t *request)
{
	const json_t *node = json_object_get(request, "node");
	struct sluice_err err = {0, ""};
	struct round_drain drain;
	int guards, r;

	if (!json_is_integer(node) || json_integer_value(node) < 0 ||
	    json_integer_value(node) >= SLUICE_NODES_MAX)
		return control_error(-EBADMSG, EXIT_USAGE, "\"node\" must be the number of a node");
	if (service->drains && service->drains != client)
		return control_error(-EBUSY, EXIT_DEVICE,
				     "another client has a node emptied just now");
	if (!service->engine)
		return control_error(-ESRCH, EXIT_GENERAL, "no engine runs here");
	r = engine_drain(service->engine, (int)json_integer_value(node), &drain, &guards, &err);
	if (r < 0)
		return failure(STAGE_DEVICE, r, &err);
	service->drains = client;
	return success(drain_to_json((int)json_integer_value(node), &drain, guards));
}

void
engine_closed(void *ctx, const struct control_client *client)
{
	struct service *service = ctx;

	if (service->records == client)
		record_close(service);
	if (service->drains != client)
		return;
	service->drains = NULL;
	if (service->engine)
		engine_undrain(service->engine);
}

json_t *
engine_event(void *ctx)
{
	struct service *service = ctx;
	json_t *event = service->engine ? status_members(service) : NULL;

	if (event)
		json_object_set_new(event, "event", json_string("status"));
	return event;
}
