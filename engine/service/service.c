/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - life of a service: its engine, its lock, its followed children. See service.h. */
#include "service.h"

#include <errno.h>
#include <stdlib.h>

#include "exit_status.h"
#include "follow.h"
#include "lock.h"
#include "log.h"
#include "measuring.h"
#include "record_verbs.h"
#include "setup.h"
#include "tier_verbs.h"

static int
attach_child(void *ctx, int32_t pid, uint64_t start_ticks)
{
	struct service *service = ctx;
	struct sluice_err err = {0, ""};
	int r;

	if (!service->engine)
		return -ESRCH;
	r = engine_attach(service->engine, pid, start_ticks, &err);
	if (r < 0 && r != -EALREADY && r != -ESRCH)
		log_warn("follow", "child %d is not tiered: %s", pid, err.msg);
	return r;
}

int
service_new(const struct options *options, int is_private, struct service **ret,
	    struct sluice_err *reterr)
{
	struct service *service = calloc(1, sizeof(*service));

	if (service) {
		service->options = options;
		service->is_private = is_private;
		service->lock_fd = -1;
		service->status = calloc(1, sizeof(*service->status));
		service->follow = follow_new(attach_child, service);
	}
	if (!service || !service->status || !service->follow) {
		service_free(service);
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	}
	*ret = service;
	return 0;
}

void
service_free(struct service *service)
{
	if (!service)
		return;
	measuring_free(service->measuring);
	tier_close(service);
	service_stop_engine(service);
	follow_free(service->follow);
	free(service->status);
	free(service);
}

int
service_start_engine(struct service *service, int *ret_exit, struct sluice_err *reterr)
{
	struct setup *setup = &service->setup;
	int r;

	if (service->engine)
		return 0;
	r = setup_from_options(service->options, setup, reterr);
	if (r < 0) {
		*ret_exit = exit_status_of(STAGE_ARGUMENTS, r);
		return r;
	}
	setup->engine.watch_only = service->watch_only;
	r = setup_check(setup, ret_exit, reterr);
	if (r < 0)
		return r;
	r = lock_take(setup->engine.state_dir, &service->lock_fd, reterr);
	if (r == 0) {
		struct sluice_err err = {0, ""};
		int count = engine_restore(setup->engine.sysroot, setup->engine.state_dir, &err);

		if (count > 0)
			log_warn("service", "put back %d kernel settings that a killed run left",
				 count);
		else if (count < 0)
			log_warn("service", "cannot put back what a killed run left: %s", err.msg);
		r = engine_start(&setup->engine, &service->engine, reterr);
	}
	if (r < 0) {
		lock_drop(&service->lock_fd);
		/* -ENXIO: the second tier went away since the checks. */
		*ret_exit = exit_status_of(r == -ENXIO ? STAGE_TIERS : STAGE_BACKEND, r);
	}
	return r;
}

void
service_stop_engine(struct service *service)
{
	record_close(service);
	engine_stop(service->engine);
	service->engine = NULL;
	lock_drop(&service->lock_fd);
}

void
service_tick(struct service *service)
{
	if (service->engine)
		follow_tick(service->follow);
}
