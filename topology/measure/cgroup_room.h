/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_room.h - what memory the limits of our cgroups (version 2) still leave us. */
#ifndef MEASURE_CGROUP_ROOM_H
#define MEASURE_CGROUP_ROOM_H

#include <stdint.h>

/* The least that our cgroup and those above it leave; UINT64_MAX when nothing limits us, or nothing
 * tells. Any thread. */
uint64_t cgroup_room_bytes(void);

/* The same, of the cgroup files under this root ("" for the machine's). */
uint64_t cgroup_room_under(const char *root);

#endif
