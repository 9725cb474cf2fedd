/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - see model.h. */
#include "model.h"

#include <math.h>

#define CPU_SHARE_LEAST 0.05
#define HALVINGS 48 /* of the bracket around an epoch's time: to a part in 10^14 */

double
model_times(const struct model_kind *kind, double load)
{
	const struct model_point *p = kind->curve;

	if (load <= 0)
		return p[0].times;
	for (unsigned int i = 1; i < MODEL_CURVE_POINTS && p[i].load > 0; i++) {
		if (load <= p[i].load)
			return p[i - 1].times + (p[i].times - p[i - 1].times) *
							(load - p[i - 1].load) /
							(p[i].load - p[i - 1].load);
		if (p[i].load >= 1)
			return p[i].times;
	}
	return p[0].times;
}

/* A store that misses reads its line first and writes it back later. */
static double
read_bytes(const struct model_demand *demand)
{
	return (demand->reads + demand->writes) * MODEL_LINE_BYTES;
}

static double
write_bytes(const struct model_demand *demand)
{
	return demand->writes * MODEL_LINE_BYTES;
}

static double
load_of(const struct model_kind *kind, double read_bps, double write_bps, double left)
{
	if (kind->duplex)
		return fmax(read_bps / (kind->read_bps * left),
			    write_bps / (kind->write_bps * left));
	return (read_bps + write_bps) / (kind->read_bps * left);
}

/* Others are not let have more than the program leaves, down to a fair share. */
static double
program_capacity(const struct model_kind *kind, const struct model_others *others, double left,
		 double fair_share)
{
	return fmax(1 - load_of(kind, others->read_bps, others->write_bps, left), fair_share);
}

/* The stall of an epoch if it took wall_ns; HUGE_VAL when a tier cannot serve it in that time. */
static double
stall_at(const struct model *model, const struct model_demand *demand,
	 const struct model_others *others, double wall_ns, struct model_result *ret)
{
	double stall_ns = 0, slow_load = 0, seconds = wall_ns / 1e9;
	int served = 1;

	for (uint32_t t = model->tier_count; t-- > 0;) {
		const struct model_kind *kind = &model->tiers[t].kind;
		/* The queue towards slow memory is shared: the first tier suffers when it is full.
		 */
		double over =
			(slow_load - model->costs.shared_from) / (1 - model->costs.shared_from);
		double left = 1 - (t == 0 ? model->costs.shared_loss * fmin(fmax(over, 0), 1) : 0);
		double own = load_of(kind, read_bytes(&demand[t]) / seconds,
				     write_bytes(&demand[t]) / seconds, left);
		double load =
			load_of(kind, read_bytes(&demand[t]) / seconds + others[t].read_bps,
				write_bytes(&demand[t]) / seconds + others[t].write_bps, left);

		if (own > program_capacity(kind, &others[t], left, model->costs.fair_share))
			served = 0;
		ret->load[t] = fmin(load, 1);
		ret->times[t] = model_times(kind, load);
		slow_load = fmax(slow_load, ret->load[t]);
		stall_ns += ret->times[t] * (demand[t].read_stalls * kind->read_ns +
					     demand[t].write_stalls * kind->write_ns);
	}
	return served ? stall_ns : HUGE_VAL;
}

void
model_epoch(const struct model *model, const struct model_demand *demand,
	    const struct model_others *others, double cpu_ns, uint32_t threads,
	    struct model_result *ret)
{
	double low = fmax(cpu_ns, 1), high = low;

	/* The longer the epoch, the lower the load: the time where stall and time agree is found
	 * between one that is too short and one that is not. */
	while (cpu_ns + stall_at(model, demand, others, high, ret) / threads > high)
		high *= 2;
	for (int i = 0; i < HALVINGS && high - low > 1e-9 * high; i++) {
		double middle = (low + high) / 2;

		if (cpu_ns + stall_at(model, demand, others, middle, ret) / threads > middle)
			low = middle;
		else
			high = middle;
	}
	(void)stall_at(model, demand, others, high, ret);
	ret->wall_ns = high;
	/* With a saturated tier threads wait longer than the curve says: for bandwidth. */
	ret->stall_ns = (high - cpu_ns) * threads;
}

double
model_cpu_ns(const struct model *model, const struct model_demand *all, double epoch_ns,
	     uint32_t threads)
{
	const struct model_kind *fast = &model->tiers[0].kind;
	double stall_ns = all->read_stalls * fast->read_ns + all->write_stalls * fast->write_ns;

	return fmax(epoch_ns - stall_ns / threads, CPU_SHARE_LEAST * epoch_ns);
}

double
model_move_ns(const struct model_costs *costs, uint64_t pages, uint64_t huge_pages)
{
	if (!pages && !huge_pages)
		return 0;
	return costs->call_ns + (double)pages * costs->page_ns +
	       (double)huge_pages * costs->huge_ns;
}
