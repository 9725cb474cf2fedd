/* SPDX-License-Identifier: Apache-2.0 */
/* trace_cut.c - see trace_cut.h. Also repairs: what is damaged is not in the new trace. */
#include "trace_cut.h"

static void
copy_samples(const struct sluice_trace_item *item, int32_t pid, struct sluice_trace_writer *writer)
{
	size_t begin = 0, end;

	if (!pid) {
		sluice_trace_write_samples(writer, item->time_ns, item->samples, item->count);
		return;
	}
	while (begin < item->count) {
		while (begin < item->count && item->samples[begin].pid != pid)
			begin++;
		end = begin;
		while (end < item->count && item->samples[end].pid == pid)
			end++;
		if (end > begin)
			sluice_trace_write_samples(writer, item->time_ns, item->samples + begin,
						   end - begin);
		begin = end;
	}
}

static void
copy_item(const struct sluice_trace_item *item, int32_t pid, struct sluice_trace_writer *writer)
{
	if (pid && item->pid && item->pid != pid)
		return;
	switch (item->kind) {
	case SLUICE_TRACE_SAMPLES:
		copy_samples(item, pid, writer);
		break;
	case SLUICE_TRACE_META:
		sluice_trace_write_meta(writer, item->time_ns, item->key, item->text);
		break;
	case SLUICE_TRACE_TIERS:
		sluice_trace_write_tiers(writer, item->time_ns, item->tier_list, item->count);
		break;
	case SLUICE_TRACE_PROCESS:
		sluice_trace_write_process(writer, item->time_ns, item->pid, item->text);
		break;
	case SLUICE_TRACE_SPANS:
		sluice_trace_write_spans(writer, item->time_ns, item->pid, item->spans,
					 item->count);
		break;
	case SLUICE_TRACE_RESIDENCY:
		sluice_trace_write_residency(writer, item->time_ns, item->pid, item->addr,
					     item->len_bytes, item->tiers, item->is_huge);
		break;
	case SLUICE_TRACE_MOVES:
		sluice_trace_write_moves(writer, item->time_ns, item->pid, item->tier,
					 item->took_ns, item->moves, item->count);
		break;
	case SLUICE_TRACE_EXIT:
		sluice_trace_write_exit(writer, item->time_ns, item->pid);
		break;
	default:
		break;
	}
}

/* So many seconds later; what no clock shows is never. */
static uint64_t
later_ns(uint64_t ns, double seconds)
{
	uint64_t more = seconds < 1e10 ? (uint64_t)(seconds * 1e9) : UINT64_MAX;

	return ns <= UINT64_MAX - more ? ns + more : UINT64_MAX;
}

int
trace_cut(struct sluice_trace_reader *reader, const struct trace_cut *cut,
	  struct sluice_trace_writer *writer, struct sluice_err *reterr)
{
	const struct sluice_trace_item *item;
	struct sluice_trace_info info;
	uint64_t from_ns, to_ns = UINT64_MAX;
	int r;

	sluice_trace_get_info(reader, &info);
	from_ns = later_ns(info.first_ns, cut->from_s);
	if (cut->to_s > 0)
		to_ns = later_ns(info.first_ns, cut->to_s);
	r = sluice_trace_seek(reader, from_ns, reterr);
	while (r == 0 && (r = sluice_trace_next(reader, &item, reterr)) == 1) {
		if (item->time_ns >= to_ns)
			return 0;
		copy_item(item, cut->pid, writer);
		r = 0;
	}
	return r;
}
