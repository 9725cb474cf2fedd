/* SPDX-License-Identifier: Apache-2.0 */
/* exit_status.c - see exit_status.h. */
#include "exit_status.h"

#include <errno.h>

const struct exit_status_row exit_status_table[] = {
	{EXIT_OK, "success"},
	{EXIT_GENERAL, "a failure that none of the others names"},
	{EXIT_USAGE, "the command line, a configuration value or a request is wrong"},
	{EXIT_NO_PROCESS, "there is no such process, or it is not attached"},
	{EXIT_NOT_PERMITTED, "permission is missing"},
	{EXIT_NO_TIER, "the machine has no second memory tier"},
	{EXIT_NO_BACKEND, "no sampler or mover works here, or another controller holds it"},
	{EXIT_POLICY, "the policy cannot be loaded, or failed its check"},
	{EXIT_NO_SERVICE, "the service cannot be reached, or sluiced cannot be started"},
	{EXIT_NOT_A_TARGET, "the process cannot be tiered (kernel thread, pid 1, Sluice itself)"},
	{EXIT_DEVICE, "the memory device is not there or cannot be changed; all is as it was"},
	{EXIT_DECLINED, "what would be lost was not agreed to (see --yes); nothing was changed"},
	{EXIT_HALF_DONE,
	 "changing a memory device failed, and so did undoing it; or its sluiced was killed"},
	{EXIT_CANNOT_EXECUTE, "sluice run: the command was found but cannot be executed"},
	{EXIT_NOT_FOUND, "sluice run: the command was not found"},
	{0, NULL},
};

int
exit_status_of(enum fail_stage stage, int code)
{
	if (code == 0)
		return EXIT_OK;
	switch (stage) {
	case STAGE_ARGUMENTS:
		return code == -ENOMEM ? EXIT_GENERAL : EXIT_USAGE;
	case STAGE_TARGET:
		if (code == -EINVAL)
			return EXIT_NOT_A_TARGET;
		break;
	case STAGE_TIERS:
		return EXIT_NO_TIER;
	case STAGE_POLICY:
		return EXIT_POLICY;
	case STAGE_SERVICE:
		return code == -EACCES || code == -EPERM ? EXIT_NOT_PERMITTED : EXIT_NO_SERVICE;
	case STAGE_BACKEND:
		if (code == -ENOTSUP || code == -EBUSY || code == -ENODEV || code == -ENOENT)
			return EXIT_NO_BACKEND;
		break;
	case STAGE_DEVICE:
		if (code == -EINVAL || code == -EBADMSG)
			return EXIT_USAGE;
		return code == -EPERM || code == -EACCES ? EXIT_NOT_PERMITTED : EXIT_DEVICE;
	case STAGE_OTHER:
		break;
	}
	switch (code) {
	case -ESRCH:
		return EXIT_NO_PROCESS;
	case -EPERM:
	case -EACCES:
		return EXIT_NOT_PERMITTED;
	case -ENOTSUP:
	case -EBUSY:
		return EXIT_NO_BACKEND;
	default:
		return EXIT_GENERAL;
	}
}
