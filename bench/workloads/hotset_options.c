/* SPDX-License-Identifier: Apache-2.0 */
/* Reading hotset's command line; see hotset_options.h. */
#include "hotset_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

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
	"  --quiet            the summary only\n"
	"  --name NAME        in each line (hotset)\n"
	"  --scan PAGES       pages outside the hot set looked at every 2 s; 0: all (16384)\n"
	"  --help\n";

static int
usage(const char *format, const char *detail)
{
	fputs("hotset: ", stderr);
	fprintf(stderr, format, detail);
	fputs("; see hotset --help\n", stderr);
	return EXIT_USAGE;
}

enum {
	OPT_SIZE = 256,
	OPT_PATTERN,
	OPT_HOT,
	OPT_HOT_SHARE,
	OPT_WRITE,
	OPT_JUMP_AT,
	OPT_JUMP_TO,
	OPT_SECONDS,
	OPT_THREADS,
	OPT_SEED,
	OPT_START_ON,
	OPT_FAST_NODES,
	OPT_THP,
	OPT_REPORT,
	OPT_QUIET,
	OPT_NAME,
	OPT_SCAN,
	OPT_HELP
};

static const struct option long_options[] = {
	{"size", required_argument, NULL, OPT_SIZE},
	{"pattern", required_argument, NULL, OPT_PATTERN},
	{"hot", required_argument, NULL, OPT_HOT},
	{"hot-share", required_argument, NULL, OPT_HOT_SHARE},
	{"write", required_argument, NULL, OPT_WRITE},
	{"jump-at", required_argument, NULL, OPT_JUMP_AT},
	{"jump-to", required_argument, NULL, OPT_JUMP_TO},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"start-on", required_argument, NULL, OPT_START_ON},
	{"fast-nodes", required_argument, NULL, OPT_FAST_NODES},
	{"thp", required_argument, NULL, OPT_THP},
	{"report", required_argument, NULL, OPT_REPORT},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"name", required_argument, NULL, OPT_NAME},
	{"scan", required_argument, NULL, OPT_SCAN},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static int
option_take(struct hotset_options *o, int option, const char *text)
{
	const char *wanted = "";
	int r = 0;

	switch (option) {
	case OPT_SIZE:
		r = parse_size(text, &o->size);
		wanted = "a size such as 700M";
		break;
	case OPT_PATTERN:
		r = pattern_parse(text, &o->pattern);
		o->pattern_text = text;
		wanted = "block, stride:N (N 2 or more), zipf:S (S from 0.01 to 3) or uniform";
		break;
	case OPT_HOT:
		r = parse_size(text, &o->hot);
		wanted = "a size such as 100M";
		break;
	case OPT_HOT_SHARE:
		r = parse_number(text, 0, 1, &o->hot_share);
		wanted = "a share from 0 to 1";
		break;
	case OPT_WRITE:
		r = parse_number(text, 0, 100, &o->write_percent);
		wanted = "a percentage from 0 to 100";
		break;
	case OPT_JUMP_AT:
		r = parse_number(text, 0, 1e9, &o->jump_at_s);
		o->has_jump_at = true;
		wanted = "seconds";
		break;
	case OPT_JUMP_TO:
		r = parse_size(text, &o->jump_to);
		o->has_jump_to = true;
		wanted = "an offset in the arena such as 200M";
		break;
	case OPT_SECONDS:
		r = parse_number(text, 0, 1e9, &o->seconds);
		wanted = "seconds, or 0 for no end";
		break;
	case OPT_THREADS:
		r = parse_count(text, 1, ACCESS_THREADS, &o->threads);
		wanted = "a number from 1 to 256";
		break;
	case OPT_SEED:
		r = parse_count(text, 0, UINT64_MAX, &o->seed);
		wanted = "a whole number";
		break;
	case OPT_START_ON:
		r = parse_count(text, 0, NODES_MAX - 1, &o->start_on);
		o->has_start_on = true;
		wanted = "the number of a node";
		break;
	case OPT_FAST_NODES:
		r = parse_nodes(text, &o->fast_nodes);
		wanted = "a list of nodes such as 0 or 0,2-3";
		break;
	case OPT_THP:
		r = arena_thp_parse(text, &o->thp);
		wanted = "on, off or default";
		break;
	case OPT_REPORT:
		o->report = text;
		break;
	case OPT_QUIET:
		o->quiet = true;
		break;
	case OPT_NAME:
		r = parse_name(text, &o->name);
		wanted = "at most 63 letters, digits and ._:+-";
		break;
	case OPT_SCAN:
		r = parse_count(text, 0, UINT32_MAX, &o->scan);
		wanted = "a number of pages, or 0 for all";
		break;
	default:
		break;
	}
	return args_check("hotset", long_options[option - OPT_SIZE].name, text, r, wanted);
}

int
options_read(struct hotset_options *o, int argc, char **argv)
{
	*o = (struct hotset_options){
		.name = "hotset",
		.pattern_text = "block",
		.pattern = {.kind = PATTERN_BLOCK},
		.size = UINT64_C(700) << 20,
		.hot = UINT64_C(100) << 20,
		.hot_share = 0.9,
		.seconds = 30,
		.threads = 1,
		.seed = 1,
		.scan = 16384,
	};
	arena_nodes_with_cpus(&o->fast_nodes);
	opterr = 0;
	for (;;) {
		int option = getopt_long(argc, argv, ":", long_options, NULL);

		if (option == -1)
			break;
		if (option == OPT_HELP) {
			fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?')
			return usage("'%s' is not an option, or stands for several",
				     argv[optind - 1]);
		if (option == ':')
			return usage("%s needs a value", argv[optind - 1]);

		int r = option_take(o, option, optarg);

		if (r)
			return r;
	}
	if (optind < argc)
		return usage("'%s' is not an option", argv[optind]);
	return -1;
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
