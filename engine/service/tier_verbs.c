/* SPDX-License-Identifier: Apache-2.0 */
/* tier_verbs.c - see tier_verbs.h. */
#include "tier_verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "devices.h"
#include "exit_status.h"
#include "json_text.h"
#include "lock.h"
#include "log.h"
#include "service.h"
#include "settings.h"

#define MODE_FILE "/proc/sys/kernel/numa_balancing"
#define RATE_LIMIT_FILE "/proc/sys/kernel/numa_balancing_promote_rate_limit_MBps"
#define MODE_TIERING 2

struct tier_change {
	struct device_env env;
	int takes_away; /* memory goes offline */
	struct settings *settings;
	struct change *change;
	int lock_fd;
};

static const struct device_env machine = {
	.sysroot = "",
	.hands = &device_hands_libraries,
	.wait_ms = DEVICE_WAIT_MS,
	.offline_ms = DEVICE_OFFLINE_MS,
};

static json_t *
failure(int code, const struct sluice_err *err)
{
	return control_error(code, exit_status_of(STAGE_DEVICE, code), err->msg);
}

static const char *
state_of(const struct device_status *status)
{
	if (status->facts.driver != DRIVER_KMEM || status->online_blocks == 0)
		return "offline";
	return status->online_blocks == status->blocks ? "online" : "partly";
}

static void
add_device(void *userdata, const struct device_status *status)
{
	const struct device_facts *facts = &status->facts;

	json_array_append_new(
		userdata,
		json_pack("{s:s, s:s, s:I, s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "device",
			  facts->name, "kind", device_kind_name(facts->kind), "size_bytes",
			  (json_int_t)facts->size_bytes, "state", state_of(status), "node",
			  status->node >= 0 ? json_integer(status->node) : json_null(),
			  "online_bytes", (json_int_t)status->node_bytes, "movable",
			  status->online_blocks
				  ? json_boolean(status->movable_blocks == status->online_blocks)
				  : json_null(),
			  "dax", facts->dax[0] ? json_text(facts->dax) : json_null(), "driver",
			  facts->dax[0] ? json_string(device_driver_name(facts->driver))
					: json_null(),
			  "mode", facts->mode[0] ? json_text(facts->mode) : json_null(), "problem",
			  facts->why_not[0] ? json_text(facts->why_not) : json_null()));
}

json_t *
tier_list(struct service *service, const json_t *request)
{
	const char *sysroot = options_text(service->options, OPTION_SYSROOT, 0);
	struct sluice_err err = {0, ""};
	json_t *devices;
	int r;

	(void)request;
	if (sysroot && sysroot[0] && strcmp(sysroot, "/") != 0)
		return control_error(-EBADMSG, EXIT_USAGE,
				     "devices are listed of the machine itself only, not of a "
				     "--sysroot; 'sluice topology' shows those of a captured one");
	devices = json_array();
	r = devices_list(&machine, add_device, devices, &err);
	if (r < 0) {
		json_decref(devices);
		return failure(r, &err);
	}
	return json_pack("{s:b, s:o}", "ok", 1, "devices", devices);
}

static int
may_change(const struct service *service, struct sluice_err *reterr)
{
	const char *sysroot = options_text(service->options, OPTION_SYSROOT, 0);

	if (!service->is_private)
		return sluice_fail(reterr, -EBADMSG,
				   "the running service changes no devices: that would hold it up; "
				   "'sluice tier' starts a process of its own for that");
	if (service->tier)
		return sluice_fail(reterr, -EBADMSG, "a change is open already");
	if (sysroot && sysroot[0] && strcmp(sysroot, "/") != 0)
		return sluice_fail(reterr, -EBADMSG,
				   "devices are changed on the machine itself only, not under a "
				   "--sysroot");
	if (geteuid() != 0)
		return sluice_fail(reterr, -EPERM,
				   "bringing memory online and taking it offline needs root: use "
				   "sudo sluice tier ...");
	return 0;
}

static json_t *
plan_to_json(const struct change *change)
{
	json_t *steps = json_array();
	const char *question = change_question(change);

	for (size_t i = 0; i < change_count(change); i++)
		json_array_append_new(steps, json_text(change_sentence(change, i)));
	return json_pack("{s:b, s:o, s:o, s:o}", "ok", 1, "steps", steps, "question",
			 question[0] ? json_text(question) : json_null(), "node",
			 change_node(change) >= 0 ? json_integer(change_node(change))
						  : json_null());
}

json_t *
tier_open(struct service *service, const json_t *request)
{
	const char *device = json_string_value(json_object_get(request, "device"));
	const char *action = json_string_value(json_object_get(request, "action"));
	const char *state_dir = options_text(service->options, OPTION_STATE_DIR, 0);
	struct sluice_err err = {0, ""};
	struct tier_change *tier;
	json_t *answer;
	int online, r;

	if (!device || !action || (strcmp(action, "online") != 0 && strcmp(action, "offline") != 0))
		return control_error(-EBADMSG, EXIT_USAGE,
				     "\"device\" must be a name, and \"action\" online or offline");
	online = strcmp(action, "online") == 0;
	r = may_change(service, &err);
	if (r < 0)
		return failure(r, &err);
	tier = calloc(1, sizeof(*tier));
	if (!tier)
		return NULL;
	tier->env = machine;
	tier->takes_away = !online;
	r = lock_take_devices(state_dir, &tier->lock_fd, &err);
	if (r == 0)
		r = change_new(&tier->env, device, online ? DEVICE_ONLINE : DEVICE_OFFLINE,
			       json_is_true(json_object_get(request, "kernel")), &tier->change,
			       &err);
	else
		tier->lock_fd = -1;
	service->tier = tier;
	answer = r < 0 ? failure(r, &err) : plan_to_json(tier->change);
	if (r < 0)
		tier_close(service);
	return answer;
}

/* The kernel moves pages up when it empties a node of slow memory. Where hint faults have marked
 * pages since boot, the tiering bit of numa_balancing has to be set meanwhile, or a later fault on
 * such a page crashes the kernel (invariant 19). A running service that guards the node sees to
 * that. */
static int
guard(struct service *service, struct sluice_err *reterr)
{
	const char *state_dir = options_text(service->options, OPTION_STATE_DIR, 0);
	char path[4200], text[SETTINGS_VALUE_BYTES];
	long mode;
	int r;

	snprintf(path, sizeof(path), "%s/" ENGINE_MARKS_NOTE, state_dir);
	if (access(path, F_OK) < 0)
		return 0;
	r = settings_open("", state_dir, &service->tier->settings, reterr);
	if (r < 0)
		return r;
	if (settings_get(service->tier->settings, MODE_FILE, text, sizeof(text), NULL) < 0)
		return 0; /* a kernel without NUMA balancing marks none */
	mode = strtol(text, NULL, 10);
	/* First, as it is put back last: the kernel must not promote while the bit goes. */
	r = settings_set(service->tier->settings, RATE_LIMIT_FILE, "0", reterr);
	if (r == 0 || r == -ENOENT) {
		snprintf(text, sizeof(text), "%ld", mode | MODE_TIERING);
		r = settings_set(service->tier->settings, MODE_FILE, text, reterr);
	}
	if (r == -EBUSY)
		sluice_fail(reterr, r,
			    "another Sluice works with hint faults just now ('sluice run', or a "
			    "service with another --socket), and memory that goes offline under it "
			    "could crash the kernel; wait for its end");
	return r;
}

/* What kind of memory the node has turned out to be. */
static json_t *
kind_of_node(int node)
{
	struct sluice_topology *topology;
	const struct sluice_node *info;
	json_t *kind = json_null();

	if (node < 0 || sluice_topology_load(NULL, &topology, NULL) < 0)
		return kind;
	info = sluice_topology_node_by_id(topology, (uint32_t)node);
	if (info)
		kind = json_string(sluice_tier_kind_name(info->kind));
	sluice_topology_free(topology);
	return kind;
}

json_t *
tier_step(struct service *service, const json_t *request)
{
	struct sluice_err err = {0, ""};
	struct change_progress progress;
	struct change_result result;
	struct change *change;
	json_t *answer;
	int r;

	if (!service->tier)
		return control_error(-EBADMSG, EXIT_USAGE, "no change is open");
	change = service->tier->change;
	if (service->tier->takes_away && !service->tier->settings &&
	    !json_is_true(json_object_get(request, "guarded"))) {
		r = guard(service, &err);
		if (r < 0) {
			tier_close(service);
			return failure(r, &err);
		}
	}
	r = change_step(change, &err);
	change_get_progress(change, &progress);
	if (r < 0) {
		answer = control_error(
			r, progress.undone ? exit_status_of(STAGE_DEVICE, r) : EXIT_HALF_DONE,
			err.msg);
		tier_close(service);
		return answer;
	}
	answer = json_pack("{s:b, s:b, s:I, s:I, s:I, s:I}", "ok", 1, "complete", r == 0, "step",
			   (json_int_t)progress.step, "steps", (json_int_t)change_count(change),
			   "part", (json_int_t)progress.part, "parts", (json_int_t)progress.parts);
	if (r > 0)
		return answer;
	change_get_result(change, &result);
	json_object_set_new(answer, "node",
			    result.node >= 0 ? json_integer(result.node) : json_null());
	json_object_set_new(answer, "kind", kind_of_node(result.node));
	json_object_set_new(answer, "online_bytes", json_integer((json_int_t)result.bytes));
	json_object_set_new(answer, "movable",
			    json_boolean(result.online_blocks > 0 &&
					 result.movable_blocks == result.online_blocks));
	tier_close(service);
	return answer;
}

json_t *
tier_undo(struct service *service, const json_t *request)
{
	struct sluice_err err = {0, ""};
	int r;

	(void)request;
	if (!service->tier)
		return control_error(-EBADMSG, EXIT_USAGE, "no change is open");
	r = change_undo(service->tier->change, &err);
	tier_close(service);
	return r < 0 ? control_error(r, EXIT_HALF_DONE, err.msg) : json_pack("{s:b}", "ok", 1);
}

void
tier_close(struct service *service)
{
	struct sluice_err err = {0, ""};

	if (!service->tier)
		return;
	/* Whoever asked for it may be gone: the log is the only one to tell. */
	if (change_undo(service->tier->change, &err) < 0)
		log_error("tier", "%s", err.msg);
	change_free(service->tier->change);
	settings_close(service->tier->settings); /* after the undoing */
	lock_drop(&service->tier->lock_fd);
	free(service->tier);
	service->tier = NULL;
}
