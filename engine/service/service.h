/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - one service: the options, the engine once it is wanted, and who may talk to it.
 *
 * A public service starts its engine at once; a private one (for `sluice run`) when the first verb
 * needs it, so that `sluice doctor` and `sluice topology` start none. Control thread only.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <jansson.h>

#include "engine.h"
#include "options.h"
#include "setup.h"
#include "sluice/err.h"

struct control_client;
struct follow;
struct measuring;
struct sluice_trace_writer;
struct tier_change;

struct service {
	const struct options *options; /* borrowed */
	struct setup setup;            /* what the engine was started with; it keeps pointers */
	struct engine *engine;         /* NULL until started */
	struct follow *follow;         /* children that are attached as they appear */
	struct measuring *measuring;   /* NULL until `sluice topology --measure` wants it */
	struct engine_status *status;  /* room for a copy: it is too large for a stack */
	const struct control_client *drains;  /* who asked for a node to be emptied, or NULL */
	struct tier_change *tier;             /* a change of devices under way, or NULL */
	const struct control_client *records; /* whose recording is under way, or NULL */
	struct sluice_trace_writer *recording;
	int watch_only; /* the engine samples for a recording, and moves nothing */
	int lock_fd;    /* held while the engine runs, -1 otherwise */
	int is_private;
};

/* Starts no engine. options are borrowed until service_free. */
int service_new(const struct options *options, int is_private, struct service **ret,
		struct sluice_err *reterr);
void service_free(struct service *service); /* stops the engine; NULL is fine */

/* Checks everything first, so that nothing is changed when it fails; *ret_exit then says with
 * which exit status. An engine that runs is fine. Puts back first what a killed run left. */
int service_start_engine(struct service *service, int *ret_exit, struct sluice_err *reterr);
/* Puts everything back. No engine is fine. */
void service_stop_engine(struct service *service);

/* To be called about twice a second: attaches children of followed processes. */
void service_tick(struct service *service);

/* The callbacks of control.h; ctx is the service. */
extern const struct control_ops service_control_ops;

#endif
