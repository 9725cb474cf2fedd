/* SPDX-License-Identifier: Apache-2.0 */
/* Reading hotset's command line; see hotset_options.h. */
#include "hotset_options.h"

#include "hotset_access.h"
#include "wl_args.h"

static const char help[] =
	"Usage: hotset [OPTION]...\n"
	"Touches memory once in address order, then accesses it at random, and prints a JSON line\n"
	"each second: accesses per second, and the shares of the hot set and of all accesses that\n"
	"are in fast memory. SIGTERM and SIGINT end it early, with the summary.\n"
	"\n"
	"What is accessed\n"
	"  --size SIZE        the arena (700M)\n"
	"  --pattern PATTERN  block      the hot set is the last --hot bytes (default)\n"
	"                     stride:N   every N-th page is hot; --hot is not used\n"
	"                     zipf:S     all pages in random order by Zipf's law, exponent S; the\n"
	"                                hot set is the most popular --hot bytes\n"
	"                     uniform    every page alike, no hot set\n"
	"  --hot SIZE         the hot set of block and zipf (100M)\n"
	"  --hot-share SHARE  share of accesses that go to the hot set of block and stride (0.9)\n"
	"  --write PERCENT    accesses that write (0)\n"
	"  --jump-at SECONDS  after so long in the access phase other pages are the hot set\n"
	"  --jump-to OFFSET   block: where the hot set starts then (default: just before where it\n"
	"                     was); stride: by how much it shifts (N/2 pages); zipf takes\n"
	"                     another random order instead\n"
	"  --seconds SECONDS  the access phase; 0: until a signal (30)\n"
	"  --threads N        that access (1)\n"
	"  --seed N           of the random numbers (1)\n"
	"\n"
	"Where it lies\n"
	"  --start-on NODE    touch it on this node; no policy stays on the arena\n"
	"  --fast-nodes LIST  nodes that count as fast (those with CPUs)\n"
	"  --thp on|off|default  huge pages for the arena (default)\n"
	"\n"
	"What is reported\n"
	"  --report FILE      write the lines there instead of standard output\n"
	"  --every-ms N       a line each N ms, 50 to 60000, of the access phase; where pages are "
	"is\n"
	"                     asked once a second at most (1000)\n"
	"  --quiet            the summary only\n"
	"  --name NAME        in each line (hotset)\n"
	"  --scan PAGES       pages outside the hot set looked at every 2 s; 0: all (16384)\n"
	"  --help\n";

static int
usage(const char *format, const char *detail)
{
	return args_usage("hotset", format, detail);
}

static int
take_pattern(const char *text, void *at)
{
	struct hotset_options *o = at;

	o->pattern_text = text;
	return pattern_parse(text, &o->pattern);
}

int
options_read(struct hotset_options *o, int argc, char **argv)
{
	static const char pattern_wanted[] =
		"block, stride:N (N 2 or more), zipf:S (S from 0.01 to 3) or uniform";
	const struct args_row rows[] = {
		{"size", ARGS_SIZE, &o->size, "a size such as 700M", 0, 0, NULL, NULL},
		{"pattern", ARGS_OTHER, o, pattern_wanted, 0, 0, NULL, take_pattern},
		{"hot", ARGS_SIZE, &o->hot, "a size such as 100M", 0, 0, NULL, NULL},
		{"hot-share", ARGS_NUMBER, &o->hot_share, "a share from 0 to 1", 0, 1, NULL, NULL},
		{"write", ARGS_NUMBER, &o->write_percent, "a percentage from 0 to 100", 0, 100,
		 NULL, NULL},
		{"jump-at", ARGS_NUMBER, &o->jump_at_s, "seconds", 0, 1000000000, &o->has_jump_at,
		 NULL},
		{"jump-to", ARGS_SIZE, &o->jump_to, "an offset in the arena such as 200M", 0, 0,
		 &o->has_jump_to, NULL},
		{"seconds", ARGS_NUMBER, &o->seconds, "seconds, or 0 for no end", 0, 1000000000,
		 NULL, NULL},
		{"every-ms", ARGS_COUNT, &o->every_ms, "a number from 50 to 60000", 50, 60000, NULL,
		 NULL},
		{"threads", ARGS_COUNT, &o->threads, "a number from 1 to 256", 1, ACCESS_THREADS,
		 NULL, NULL},
		{"seed", ARGS_COUNT, &o->seed, "a whole number", 0, UINT64_MAX, NULL, NULL},
		{"start-on", ARGS_COUNT, &o->start_on, "the number of a node", 0, NODES_MAX - 1,
		 &o->has_start_on, NULL},
		{"fast-nodes", ARGS_NODES, &o->fast_nodes, NULL, 0, 0, NULL, NULL},
		{"thp", ARGS_THP, &o->thp, NULL, 0, 0, NULL, NULL},
		{"report", ARGS_TEXT, &o->report, NULL, 0, 0, NULL, NULL},
		{"quiet", ARGS_SWITCH, &o->quiet, NULL, 0, 0, NULL, NULL},
		{"name", ARGS_NAME, &o->name, NULL, 0, 0, NULL, NULL},
		{"scan", ARGS_COUNT, &o->scan, "a number of pages, or 0 for all", 0, UINT32_MAX,
		 NULL, NULL},
		{NULL, ARGS_TEXT, NULL, NULL, 0, 0, NULL, NULL},
	};

	*o = (struct hotset_options){
		.name = "hotset",
		.pattern_text = "block",
		.pattern = {.kind = PATTERN_BLOCK},
		.size = UINT64_C(700) << 20,
		.hot = UINT64_C(100) << 20,
		.hot_share = 0.9,
		.seconds = 30,
		.every_ms = 1000,
		.threads = 1,
		.seed = 1,
		.scan = 16384,
	};
	arena_nodes_with_cpus(&o->fast_nodes);
	return args_read("hotset", help, rows, argc, argv);
}

int
options_patterns(const struct hotset_options *o, struct pattern *ret_before,
		 struct pattern *ret_after)
{
	uint64_t pages = o->size / ARENA_PAGE, hot = o->hot / ARENA_PAGE;
	bool zipf = o->pattern.kind == PATTERN_ZIPF, block = o->pattern.kind == PATTERN_BLOCK;
	struct pattern p, after;

	if (pages == 0)
		return usage("--size must be at least %s", "a page of 4 KiB");
	if ((block || zipf) && (hot == 0 || hot > pages))
		return usage("--hot must be at least %s, and at most --size", "a page of 4 KiB");
	if (pattern_init(&p, &o->pattern, pages, hot, o->hot_share, o->seed) < 0)
		return usage("--pattern %s does not go together with this --size", o->pattern_text);

	after = p;
	if (o->has_jump_at) {
		uint64_t to = o->jump_to / ARENA_PAGE;

		if (o->pattern.kind == PATTERN_UNIFORM)
			return usage("--jump-at needs a hot set, which --pattern %s lacks",
				     "uniform");
		if (block) {
			/* What was touched just before the hot set lies where that lay, so in a
			 * first-touch order that overflows fast memory it is slow too, and no one
			 * had cause to move it. */
			if (!o->has_jump_to)
				to = p.block_start > hot ? p.block_start - hot : 0;
			if (to > pages - hot)
				return usage("--jump-to must leave room for %s behind it", "--hot");
			after.turn = (to + pages - p.block_start) % pages;
		} else if (!zipf) {
			after.turn = (o->has_jump_to ? to : p.stride / 2) % pages;
		} else if (o->has_jump_to) {
			return usage("--jump-to goes with block and stride, not with --pattern %s",
				     o->pattern_text);
		} else {
			shuffle_init(&after.shuffle, pages, o->seed + 1);
		}
		if (!zipf && (after.turn == 0 || (p.stride && after.turn % p.stride == 0)))
			return usage("--jump-to must be %s",
				     "elsewhere than the hot set is already");
	} else if (o->has_jump_to) {
		return usage("--jump-to needs %s", "--jump-at");
	}
	*ret_before = p;
	*ret_after = after;
	return 0;
}
