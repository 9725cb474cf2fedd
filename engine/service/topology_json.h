/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology_json.h - the machine's memory as JSON, in the schema of sluice(1). All pictures that the
 * command line draws of a machine are drawn from this and nothing else.
 */
#ifndef SERVICE_TOPOLOGY_JSON_H
#define SERVICE_TOPOLOGY_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "sluice/topology.h"

/* A new reference, or NULL when there is no memory. Members are only ever added; what is not known
 * is null. with_facts adds everything that any source said, which is much on a large machine. */
json_t *topology_to_json(const struct sluice_topology *topology, bool with_facts);

#endif
