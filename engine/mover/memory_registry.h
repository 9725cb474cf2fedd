/* SPDX-License-Identifier: Apache-2.0 */
/* memory_registry.h - the maps of targets' memory that there are; memory_fake.c is for tests. */
#ifndef MOVER_MEMORY_REGISTRY_H
#define MOVER_MEMORY_REGISTRY_H

#include "ops.h"

extern const struct memory_ops memory_proc;
extern const struct memory_ops memory_fake;

#endif
