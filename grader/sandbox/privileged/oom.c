/*
 * What the kernel ended for lack of memory.
 *
 * Counted in the cgroup of this launcher and its programs, so that a neighbour's container that
 * runs out of its own memory changes nothing here.  Without one that can be read, as on a machine
 * without containers or with a hidden /sys, the whole machine counts.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "launcher.h"

#define OF_THE_MACHINE "/proc/vmstat"

static char text[32 << 10]; /* larger than any of the files */
static char counter[512] = OF_THE_MACHINE;

/* Copies the path of the own cgroup from its line in /proc/self/cgroup. */
static void read_group(const char *line_has, char *path, size_t size)
{
	*path = '\0';
	read_text("/proc/self/cgroup", text, sizeof text);
	const char *found = strstr(text, line_has);
	if (found)
		snprintf(path, size, "%.*s", (int)strcspn(found + strlen(line_has), "\n"),
			 found + strlen(line_has));
}

/* The path alone proves nothing: a container may see its cgroup, or another one, as the root. */
static bool has_this_launcher(const char *group)
{
	char path[512], line[32];
	snprintf(path, sizeof path, "%s/cgroup.procs", group);
	*text = '\n';
	read_text(path, text + 1, sizeof text - 1);
	snprintf(line, sizeof line, "\n%d\n", launcher);
	return strstr(text, line) != NULL;
}

static bool count_in(const char *root, const char *path, const char *file)
{
	char group[400], candidate[512];
	snprintf(group, sizeof group, "%s%s", root, path);
	snprintf(candidate, sizeof candidate, "%s/%s", group, file);
	if (!has_this_launcher(group))
		return false;
	read_text(candidate, text, sizeof text);
	if (!strstr(text, "\noom_kill "))
		return false;
	strcpy(counter, candidate);
	return true;
}

void find_oom_counter(void)
{
	static const struct {
		const char *root, *line_has, *file;
	} versions[] = {
		{"/sys/fs/cgroup/memory", ":memory:", "memory.oom_control"},
		{"/sys/fs/cgroup", "0::", "memory.events"},
	};
	for (size_t i = 0; i < COUNT(versions); i++) {
		char path[300];
		read_group(versions[i].line_has, path, sizeof path);
		if (count_in(versions[i].root, path, versions[i].file) ||
		    count_in(versions[i].root, "", versions[i].file))
			return;
	}
}

int64_t count_oom_kills(void)
{
	read_text(counter, text, sizeof text);
	return number_after(text, "\noom_kill ");
}

_Noreturn void blame_platform(const char *what)
{
	char path[300], why[128];
	long largest_kb = 0, owner = 0, which = 0;
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		if (!isdigit(*entry->d_name))
			continue;
		snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
		read_text(path, text, sizeof text);
		const long kb = (long)number_after(text, "\nVmRSS:");
		if (kb <= largest_kb)
			continue;
		largest_kb = kb;
		owner = (long)number_after(text, "\nUid:");
		which = atol(entry->d_name);
	}
	snprintf(why, sizeof why, "the largest process is now %ld of user %ld with %ld MB", which,
		 owner, largest_kb >> 10);
	fail(what, why);
}
