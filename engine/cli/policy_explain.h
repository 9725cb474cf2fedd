/* SPDX-License-Identifier: Apache-2.0 */
/* policy_explain.h - sluice policy explain; each returns the exit status. */
#ifndef CLI_POLICY_EXPLAIN_H
#define CLI_POLICY_EXPLAIN_H

#include "cli.h"

/* Why a page of a target is where it is; asks the running service. */
int policy_explain_page(struct cli *cli, const char *pid, const char *address);
/* What a policy is, its parameters, and how it does where it runs. */
int policy_explain_policy(struct cli *cli, const char *name);

#endif
