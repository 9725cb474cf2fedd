/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the configuration file: "key = value" lines, keys as in the table of options.h, and a
 * section [policy] whose keys are parameters of the policy. Whatever is not understood is an error
 * with file and line; nothing is skipped.
 */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include "options.h"
#include "sluice/err.h"

#define CONFIG_DEFAULT_PATH "/etc/sluice/sluice.conf"

/* Sets what the file says in the layer LAYER_FILE. -ENOENT, -EACCES: cannot be read. -EINVAL,
 * -ERANGE ...: "FILE:LINE: what is wrong". Lines before the wrong one are set. */
int config_read(const char *path, struct options *options, struct sluice_err *reterr);

#endif
