/* SPDX-License-Identifier: Apache-2.0 */
/* keep.c - measure_keep: what was found joins what topology keeps of this machine. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure.h"
#include "sluice/topology.h"

static int
make_folders(const char *folder, struct sluice_err *reterr)
{
	char path[PATH_MAX];
	char *slash = path;

	if (snprintf(path, sizeof(path), "%s/", folder) >= (int)sizeof(path))
		return sluice_fail(reterr, -ENAMETOOLONG, "the path '%.200s...' is too long",
				   folder);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return sluice_fail(reterr, -errno, "cannot make the folder '%s': %s", path,
					   strerror(errno));
		*slash = '/';
	}
	return 0;
}

/* Kept figures are whole numbers; a spread is rounded up, as one of 0 would be none. */
static bool
to_kept(const struct measure_outcome *outcome, struct sluice_measured *ret)
{
	const struct measure_figure *figures = outcome->figures;
	double bw_spread_percent = 0;
	bool any = false;

	*ret = (struct sluice_measured){.initiator = outcome->cpu_node,
					.node = outcome->memory_node};
	for (int what = 0; what < MEASURE_COUNT; what++) {
		if (!outcome->done || !(figures[what].value > 0))
			continue;
		any = true;
		if (what != MEASURE_LATENCY && figures[what].spread_percent > bw_spread_percent)
			bw_spread_percent = figures[what].spread_percent;
	}
	if (!any)
		return false;
	ret->read_latency_ns = (uint32_t)(figures[MEASURE_LATENCY].value + 0.5);
	ret->read_bw_mbps = (uint32_t)(figures[MEASURE_READ].value + 0.5);
	ret->write_bw_mbps = (uint32_t)(figures[MEASURE_WRITE].value + 0.5);
	ret->mixed_bw_mbps = (uint32_t)(figures[MEASURE_MIXED].value + 0.5);
	if (ret->read_latency_ns)
		ret->latency_spread_percent =
			(uint32_t)ceil(figures[MEASURE_LATENCY].spread_percent);
	ret->bw_spread_percent = (uint32_t)ceil(bw_spread_percent);
	return true;
}

int
measure_keep(const struct measure_result *result, const char *folder, struct sluice_err *reterr)
{
	struct sluice_measured *kept = calloc(result->count, sizeof(*kept));
	struct sluice_topology *topology = NULL;
	size_t count = 0;
	int r = 0;

	if (!kept)
		return sluice_fail(reterr, -ENOMEM, "out of memory");
	for (size_t i = 0; i < result->count; i++)
		count += to_kept(&result->outcomes[i], &kept[count]);
	if (count == 0)
		r = sluice_fail(reterr, -ENOENT, "nothing is known that could be kept");
	if (r == 0)
		r = make_folders(folder, reterr);
	if (r == 0)
		r = sluice_topology_load(NULL, &topology, reterr);
	if (r == 0)
		r = sluice_topology_keep_measured(topology, folder, kept, count, reterr);
	sluice_topology_free(topology);
	free(kept);
	return r;
}
