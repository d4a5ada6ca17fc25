/* The disk space that a program holds: blocks and not sizes, and the number of its files. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "launcher.h"

enum { MAX_ENTRIES = 20000, MAX_DEPTH = 64, BLOCK_BYTES = 512, PAUSE = 20,
	FULL_BYTES = 1 << 16 }; /* as in files.py */
static const int64_t least_bytes = 64 << 20, least_free = 64 << 20;

struct tree { int64_t bytes, entries, depth; };

static bool is_too_large(const struct tree *tree, int64_t most)
{
	return tree->bytes > most || tree->entries > MAX_ENTRIES || tree->depth > MAX_DEPTH;
}

/* A file with several names counts once in all.  What vanishes meanwhile does not count. */
static void add(struct tree *sum, int parent, const char *name, int64_t most, int64_t depth)
{
	struct stat status;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	sum->entries++;
	sum->bytes += status.st_blocks * BLOCK_BYTES /
		(S_ISDIR(status.st_mode) || !status.st_nlink ? 1 : (int64_t)status.st_nlink);
	sum->depth = depth > sum->depth ? depth : sum->depth;
	if (!S_ISDIR(status.st_mode) || is_too_large(sum, most))
		return;
	const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; entries && (entry = readdir(entries));)
		if (!is_self_or_parent(entry->d_name) &&
		    !is_too_large(sum, most))
			add(sum, fd, entry->d_name, most, depth + 1);
	if (entries)
		closedir(entries);
}

/* What the user owns in directories of all users; none where Landlock keeps it out. */
static void add_shared(struct tree *sum, uid_t user, int64_t most)
{
	struct stat status;
	for (size_t i = 0; i < shared_count; i++) {
		const int fd = open_shared(i);
		DIR *entries = fd < 0 ? NULL : fdopendir(fd);
		for (struct dirent *entry; entries && (entry = readdir(entries));)
			if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			    status.st_uid == user)
				add(sum, fd, entry->d_name, most, 1);
		if (entries)
			closedir(entries);
	}
}

static int64_t next_us, free_at_start;
static bool cause_unknown;

static int64_t free_bytes(void)
{
	struct statvfs disk;
	const bool known = statvfs(".", &disk) == 0 && disk.f_blocks;
	return known ? (int64_t)(disk.f_bavail * disk.f_frsize) : INT64_MAX;
}

void begin_disk_watch(void)
{
	next_us = 0;
	cause_unknown = false;
	free_at_start = free_bytes();
}

/*
 * Files without a name are not in the tree.  When the disk is nearly full, and fuller by more than
 * the limit than at the start of this run, the cause may be unknown.
 */
static bool is_nearly_full(int64_t most)
{
	const int64_t now = free_bytes();
	return now < least_free && free_at_start - now > most;
}

/* Whether a run holds more than allowed; looks at most a twentieth of the time. */
bool uses_too_much(const struct request *request, bool ended)
{
	const int64_t started_us = microseconds(CLOCK_MONOTONIC);
	const int64_t several = 4 * request->number[FILE_BYTES];
	const int64_t most = several > least_bytes ? several : least_bytes;
	struct tree sum = {0};
	if (!may_write(request->policy))
		return false;
	/* Before the tree: what is written meanwhile then counts as the program's. */
	const bool full = !ended && is_nearly_full(most);
	if (!ended && started_us < next_us && !full)
		return false;
	add(&sum, AT_FDCWD, work_names[request->role], most, 0);
	add_shared(&sum, user_of((int)request->role), most);
	next_us = microseconds(CLOCK_MONOTONIC);
	next_us += PAUSE * (next_us - started_us);
	cause_unknown = full && !is_too_large(&sum, most);
	return full || is_too_large(&sum, most);
}

/* After a run: no verdict where the cause of a full disk is unknown. */
void blame_disk(void)
{
	if (cause_unknown)
		fail("the disk is full", directory);
}

bool output_is_full(void)
{
	struct statvfs disk;
	return fstatvfs(STDOUT_FD, &disk) == 0 && disk.f_blocks &&
		(int64_t)(disk.f_bavail * disk.f_frsize) < FULL_BYTES;
}
