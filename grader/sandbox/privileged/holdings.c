/* What processes of the box hold besides resident memory. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>
#include "launcher.h"

enum { PIPE_KB = 64, MOST_BUFFERS = 4096, MAPPINGS_PER_KB = 4, MOST_MAPPINGS = 4096 };

/* Reset for each measurement. */
static struct holdings held;
static ino_t buffers[MOST_BUFFERS]; /* those counted already */
static size_t buffer_count;
static bool maps_shared;
static int64_t faults, touched_kb;

/* A thread of the process that is alive, for the first one may have ended; 0 without any. */
static pid_t living_thread(pid_t pid)
{
	char path[300], size[64];
	pid_t found = 0;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	for (struct dirent *entry; threads && !found && (entry = readdir(threads));) {
		snprintf(path, sizeof path, "/proc/%d/task/%s/statm", pid, entry->d_name);
		read_text(path, size, sizeof size);
		if (atol(size) > 0)
			found = atoi(entry->d_name);
	}
	if (threads)
		closedir(threads);
	return found;
}

/* Adds the mappings of a process, and whether one is of a file that exists in memory only. */
static void add_mappings(pid_t thread)
{
	char path[64], *line = NULL, flag = '-';
	size_t size = 0;
	int count = 0;
	snprintf(path, sizeof path, "/proc/%d/maps", thread);
	FILE *maps = fopen(path, "re");
	for (; maps && count < MOST_MAPPINGS && getline(&line, &size, maps) > 0; count++)
		if (sscanf(line, "%*s %*3c%c", &flag) == 1 && flag == 's' &&
		    (strstr(line, " (deleted)") || strstr(line, " /dev/") || strstr(line, "[anon_shmem")))
			maps_shared = true;
	if (!maps || count == MOST_MAPPINGS)
		maps_shared = true; /* not known */
	held.kernel_kb += count / MAPPINGS_PER_KB;
	free(line);
	if (maps)
		fclose(maps);
}

static void add_buffer(const struct stat *status)
{
	size_t i = 0;
	if (!S_ISSOCK(status->st_mode) && !S_ISFIFO(status->st_mode))
		return;
	while (i < buffer_count && buffers[i] != status->st_ino)
		i++;
	if (i < buffer_count)
		return;
	if (i < MOST_BUFFERS)
		buffers[buffer_count++] = status->st_ino;
	held.kernel_kb += S_ISSOCK(status->st_mode) ? SOCKET_KB : PIPE_KB;
}

/* Adds what the pipes and sockets of a process can hold, each once for the whole box. */
static void add_buffers(pid_t thread)
{
	char path[64];
	struct stat status;
	snprintf(path, sizeof path, "/proc/%d/fd", thread);
	DIR *open_files = opendir(path);
	for (struct dirent *entry; open_files && (entry = readdir(open_files));)
		if (fstatat(dirfd(open_files), entry->d_name, &status, 0) == 0)
			add_buffer(&status);
	if (open_files)
		closedir(open_files);
}

/* Resident pages that took a fault each: not the huge ones, of which one fault takes 512. */
static void add_small_pages(pid_t thread, int64_t private_kb)
{
	static char text[4096];
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", thread);
	if (read_text(path, text, sizeof text) > 0)
		touched_kb += private_kb - number_after(text, "\nAnonHugePages:");
}

/* Of a zombie too: until it is waited for, no other process has them. */
static void add_times(pid_t pid)
{
	static char text[4096];
	char path[64];
	long own_faults = 0, faults_of_children = 0, ticks = 0, ticks_of_children = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	read_text(path, text, sizeof text);
	const char *end = strrchr(text, ')');
	sscanf(end ? end + 1 : "", " %*c %*d %*d %*d %*d %*d %*u %ld %ld %*u %*u %*u %ld %*d %ld",
	       &own_faults, &faults_of_children, &ticks, &ticks_of_children);
	faults += own_faults + faults_of_children;
	held.system_ms += (ticks + ticks_of_children) * (1000 / sysconf(_SC_CLK_TCK));
}

/* Adds the numbers that everyone may read; returns the resident private memory in kB. */
static int64_t add_numbers(pid_t thread)
{
	static char text[4096];
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", thread);
	read_text(path, text, sizeof text);
	const int64_t shared_kb = number_after(text, "\nRssShmem:");
	held.shared_kb += shared_kb;
	held.swapped_kb += number_after(text, "\nVmSwap:");
	held.kernel_kb += number_after(text, "\nVmPTE:");
	touched_kb += shared_kb;
	return number_after(text, "\nRssAnon:");
}

static void add_process(pid_t pid, uid_t user, void *nothing)
{
	const pid_t thread = living_thread(pid);
	(void)nothing;
	add_times(pid);
	if (!thread)
		return;
	const int64_t private_kb = add_numbers(thread);
	/* Without CAP_SYS_PTRACE only its user may see what a process maps and has open. */
	setfsgid(user);
	setfsuid(user);
	add_mappings(thread);
	add_buffers(thread);
	add_small_pages(thread, private_kb);
	setfsuid(0);
	setfsgid(0);
}

/* Whether each fault takes one small page of shared memory, as it does by default. */
static bool has_small_pages(void)
{
	char text[128];
	read_text("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof text);
	return !*text || strstr(text, "[never]") || strstr(text, "[deny]");
}

struct holdings measure_holdings(void)
{
	held = (struct holdings){.system_ms = reaped_system_ms};
	buffer_count = 0;
	maps_shared = false;
	faults = reaped_faults;
	touched_kb = 0;
	each_process(add_process, NULL);
	const int64_t kb = faults * (sysconf(_SC_PAGESIZE) / 1024) - touched_kb;
	if (maps_shared)
		held.hideable_kb = !has_small_pages() ? INT64_MAX : kb > 0 ? kb : 0;
	return held;
}
