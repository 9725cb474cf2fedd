/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - load a policy, check what it says of itself, give it its settings.
 *
 * Before the checks are through, nothing of the policy runs but what the dynamic linker runs on its
 * own (constructors): so whatever may be wrong with a policy is told in a sentence, not by a crash.
 */
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin_internal.h"

#define NAME_MAX_CHARS 63
/* What the first version of the ABI had; newer members are optional for ever. */
#define SIZE_MIN (offsetof(struct sluice_policy, fini) + sizeof(sluice_policy.fini))

struct plugin {
	char *path;
	int fd; /* stays open: see image_close() */
	void *image;
	const struct sluice_policy *policy;
	void *self;
	int initialised;
};

static void
image_name(int fd, char name[32])
{
	snprintf(name, 32, "/proc/self/fd/%d", fd);
}

/* Undo image_open(). The linker knows images by their name, and ours is made of the descriptor:
 * an image that will not unload (it may ask for that) keeps its descriptor, or the next policy to
 * get the same number would be mistaken for it. */
static void
image_close(struct plugin *plugin)
{
	char name[32];
	void *still;

	if (plugin->image)
		dlclose(plugin->image);
	plugin->image = NULL;
	if (plugin->fd < 0)
		return;
	image_name(plugin->fd, name);
	still = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
	if (still)
		dlclose(still);
	else
		close(plugin->fd);
	plugin->fd = -1;
}

static int
image_open(struct plugin *plugin, struct sluice_err *reterr)
{
	char name[32];

	image_name(plugin->fd, name);
	/* All symbols now: a missing one is an error here, not a crash in some later round. */
	plugin->image = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!plugin->image) {
		const char *why = dlerror();

		if (why && strncmp(why, name, strlen(name)) == 0 && why[strlen(name)] == ':')
			why += strlen(name) + 2; /* they know the file by another name */
		return sluice_fail(reterr, -ENOEXEC, "'%s' does not load: %s", plugin->path,
				   why ? why : "no reason given");
	}
	return 0;
}

static int
name_is_fine(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length > 0 && length <= NAME_MAX_CHARS && name[length] == '\0';
}

static int
check_members(const struct sluice_policy *policy, const char *path, struct sluice_err *reterr)
{
	const char *missing = !policy->name      ? "name"
			      : !policy->summary ? "summary"
			      : !policy->init    ? "init"
			      : !policy->decide  ? "decide"
						 : NULL;
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;

	if (missing)
		return sluice_fail(reterr, -EINVAL,
				   "the policy '%s' lacks the required member '%s'; set it in its "
				   "SLUICE_POLICY(...)",
				   path, missing);
	if (!name_is_fine(policy->name))
		return sluice_fail(
			reterr, -EINVAL,
			"the policy '%s' calls itself '%.80s'; a name has 1 to %d of a-z, 0-9 "
			"and '-'",
			path, policy->name, NAME_MAX_CHARS);
	if (strncmp(file, policy->name, strlen(policy->name)) != 0 ||
	    strcmp(file + strlen(policy->name), ".so") != 0)
		return sluice_fail(reterr, -EINVAL,
				   "the policy '%s' calls itself '%s', so its file must be '%s.so'",
				   path, policy->name, policy->name);
	for (const struct sluice_param *p = policy->params; p && p->key; p++)
		if (!p->fallback || !p->help)
			return sluice_fail(reterr, -EINVAL,
					   "the policy '%s' gives no fallback or no help for its "
					   "parameter '%s'",
					   path, p->key);
	return 0;
}

/* Find the symbol and believe nothing that the file's own symbol table does not confirm. */
static int
check_policy(struct plugin *plugin, struct sluice_err *reterr)
{
	const struct sluice_policy *policy = dlsym(plugin->image, "sluice_policy");
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!policy)
		return sluice_fail(reterr, -ENOEXEC,
				   "'%s' is a shared object, but not a policy: it exports no "
				   "'sluice_policy'; end it with SLUICE_POLICY(...)",
				   plugin->path);
	if (!dladdr1(policy, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol ||
	    ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT)
		return sluice_fail(
			reterr, -ENOEXEC,
			"'%s' is not a policy: its 'sluice_policy' is not data; end it with "
			"SLUICE_POLICY(...)",
			plugin->path);
	if (symbol->st_size < offsetof(struct sluice_policy, name))
		return sluice_fail(
			reterr, -EPROTO,
			"the policy '%s' is too small to say its ABI; rebuild it with this "
			"Sluice's policy.h",
			plugin->path);
	if (policy->abi != SLUICE_POLICY_ABI)
		return sluice_fail(
			reterr, -EPROTO,
			"the policy '%s' was built for ABI %u, this Sluice speaks %u; rebuild "
			"it with this Sluice's policy.h",
			plugin->path, policy->abi, SLUICE_POLICY_ABI);
	if (policy->size < SIZE_MIN || policy->size > symbol->st_size)
		return sluice_fail(
			reterr, -EPROTO,
			"the policy '%s' says that it has %u bytes, and has %llu, where at "
			"least %zu are needed; rebuild it with this Sluice's policy.h",
			plugin->path, policy->size, (unsigned long long)symbol->st_size, SIZE_MIN);
	plugin->policy = policy;
	return check_members(policy, plugin->path, reterr);
}

int
plugin_open(int fd, const char *path, struct plugin **ret, struct sluice_err *reterr)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	int r;

	if (plugin) {
		plugin->fd = fd;
		plugin->path = strdup(path);
	}
	if (!plugin || !plugin->path) {
		close(fd);
		free(plugin);
		return sluice_fail(reterr, -ENOMEM, "no memory to load the policy '%s'", path);
	}
	r = image_open(plugin, reterr);
	if (r == 0)
		r = check_policy(plugin, reterr);
	if (r < 0) {
		plugin_unload(plugin);
		return r;
	}
	*ret = plugin;
	return 0;
}

static int
fail_unknown(const struct sluice_policy *policy, const char *key, struct sluice_err *reterr)
{
	char known[300] = "";
	size_t used = 0;

	for (const struct sluice_param *p = policy->params; p && p->key; p++)
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 used ? ", " : "", p->key);
	if (!used)
		return sluice_fail(reterr, -EINVAL,
				   "the policy '%s' has no setting '%.60s'; it has none at all",
				   policy->name, key);
	return sluice_fail(reterr, -EINVAL, "the policy '%s' has no setting '%.60s'; it knows: %s",
			   policy->name, key, known);
}

int
plugin_init(struct plugin *plugin, const struct plugin_setting *settings, size_t setting_count,
	    const struct sluice_host *host, struct sluice_err *reterr)
{
	const struct sluice_policy *policy = plugin->policy;
	const struct sluice_param *params = policy->params;
	struct sluice_err err = {0};
	const char **values;
	size_t count = 0;
	int r;

	while (params && params[count].key)
		count++;
	values = calloc(count + 1, sizeof(*values));
	if (!values)
		return sluice_fail(reterr, -ENOMEM, "no memory for the settings of '%s'",
				   policy->name);
	for (size_t k = 0; k < count; k++)
		values[k] = params[k].fallback;
	for (size_t i = 0; i < setting_count; i++) {
		size_t k = 0;

		while (k < count && strcmp(params[k].key, settings[i].key) != 0)
			k++;
		if (k == count) {
			free(values);
			return fail_unknown(policy, settings[i].key, reterr);
		}
		values[k] = settings[i].value; /* given twice: the last one counts */
	}
	r = policy->init(host, values, &plugin->self, &err);
	free(values);
	if (r == 0) {
		plugin->initialised = 1;
		return 0;
	}
	if (r > 0 || !err.msg[0])
		snprintf(err.msg, sizeof(err.msg), "its init() returned %d without a reason", r);
	return sluice_fail(reterr, r < 0 ? r : -EINVAL, "the policy '%s' does not start: %.400s",
			   policy->name, err.msg);
}

static int
fail_missing(const char *name, const char *const *folders, struct sluice_err *reterr)
{
	struct plugin_dir dir = {0};
	char there[200] = "", where[200] = "";
	size_t used = 0, searched = 0;

	for (size_t i = 0; folders && folders[i] && searched < sizeof(where); i++)
		searched += (size_t)snprintf(where + searched, sizeof(where) - searched, "%s%s",
					     searched ? ", " : "", folders[i]);
	(void)plugin_dir_read(folders, &dir, NULL); /* unreadable: nothing to offer */
	for (size_t i = 0; i < dir.count && used < sizeof(there); i++)
		if (i == 0 || strcmp(dir.files[i].name, dir.files[i - 1].name) != 0)
			used += (size_t)snprintf(
				there + used, sizeof(there) - used, "%s%.*s", used ? ", " : "",
				(int)strlen(dir.files[i].name) - 3, dir.files[i].name);
	plugin_dir_free(&dir);
	return sluice_fail(reterr, -ENOENT, "there is no policy '%.64s' in %s; there is: %s", name,
			   searched ? where : "no folder at all", used ? there : "none");
}

int
plugin_find(const char *name, const char *const *folders, char path[PATH_MAX],
	    struct sluice_err *reterr)
{
	int fd = -ENOENT;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return plugin_file_open(name, reterr);
	}
	/* Only a missing file sends us to the next folder: a bad one is told, not hidden. */
	for (size_t i = 0; folders && folders[i] && fd == -ENOENT; i++) {
		int length = snprintf(path, PATH_MAX, "%s/%s.so", folders[i], name);

		if (length > 0 && length < PATH_MAX)
			fd = plugin_file_open(path, reterr);
	}
	return fd == -ENOENT ? fail_missing(name, folders, reterr) : fd;
}

int
plugin_load(const char *name, const char *const *folders, const struct plugin_setting *settings,
	    size_t setting_count, const struct sluice_host *host, struct plugin **ret,
	    struct sluice_err *reterr)
{
	struct plugin *plugin = NULL;
	char path[PATH_MAX];
	int fd = plugin_find(name, folders, path, reterr);
	int r = fd < 0 ? fd : plugin_open(fd, path, &plugin, reterr);

	if (r < 0)
		return r;
	r = plugin_init(plugin, settings, setting_count, host, reterr);
	if (r < 0) {
		plugin_unload(plugin);
		return r;
	}
	*ret = plugin;
	return 0;
}

void
plugin_unload(struct plugin *plugin)
{
	if (!plugin)
		return;
	if (plugin->initialised && plugin->policy->fini)
		plugin->policy->fini(plugin->self);
	image_close(plugin);
	free(plugin->path);
	free(plugin);
}

const struct sluice_policy *
plugin_policy(const struct plugin *plugin)
{
	return plugin->policy;
}

void *
plugin_self(const struct plugin *plugin)
{
	return plugin->self;
}

const char *
plugin_path(const struct plugin *plugin)
{
	return plugin->path;
}
