/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the kernel where pages lie; see wl_residency.h. */
#include "wl_residency.h"

#include <errno.h>
#include <numaif.h>
#include <string.h>

int
residency_query(const struct nodeset *fast, void *const *addresses, size_t count,
		enum residency *ret_where)
{
	void *pages[RESIDENCY_CHUNK];
	int status[RESIDENCY_CHUNK];

	if (count > RESIDENCY_CHUNK)
		return -EINVAL;
	if (count == 0)
		return 0;
	memcpy(pages, addresses, count * sizeof(*pages)); /* libnuma's prototype is not const */
	memset(status, 0, sizeof(status));
	if (move_pages(0, count, pages, NULL, status, 0) < 0 && errno != ENOSYS)
		return -errno;
	for (size_t i = 0; i < count; i++) {
		if (status[i] < 0)
			ret_where[i] = RESIDENCY_MISSING;
		else
			ret_where[i] = nodeset_has(fast, (unsigned)status[i]) ? RESIDENCY_FAST
									      : RESIDENCY_SLOW;
	}
	return 0;
}
