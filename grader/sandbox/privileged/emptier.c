/*
 * Removes used directories in a process of its own, while the box is used again.
 *
 * However deep a tree is, memory and descriptors are bounded: sub-directories are moved up to the
 * top of their tree, so every directory is read once, at a depth of one.  Nothing is followed: names
 * are removed relative to open directories, which are opened without links and never on another
 * file system.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "launcher.h"

static unsigned asked; /* requests that are not answered yet */

bool is_self_or_parent(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A tree that is being removed. */
struct removal {
	int top;
	dev_t device;
	bool locked;   /* unlocks what its owner has locked; only as that owner, since it follows links */
	bool changed;
	char moved[32]; /* what was moved to the top last; "" if nothing was */
};

static int open_directory(const struct removal *removal, int parent, const char *name)
{
	struct stat status;
	if (removal->locked)
		(void)!fchmodat(parent, name, 0700, 0);
	const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (fstat(fd, &status) == 0 && status.st_dev == removal->device))
		return fd;
	close(fd);
	return -1;
}

static bool remove_one(int parent, const char *name, unsigned char type)
{
	return (type != DT_DIR && unlinkat(parent, name, 0) == 0) ||
		unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

/* Moves a directory to the top of its tree, under a name that no other has. */
static bool move_up(struct removal *removal, int parent, const char *name)
{
	static uint64_t count;
	int moved;
	if (removal->locked) /* its owner needs the right to write into it */
		(void)!fchmodat(parent, name, 0700, 0);
	do {
		snprintf(removal->moved, sizeof removal->moved, "%ju", (uintmax_t)count++);
		moved = renameat(parent, name, removal->top, removal->moved);
	} while (moved != 0 && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
	if (moved != 0)
		*removal->moved = '\0';
	return moved == 0;
}

/* Removes files and empty directories, and moves others up unless they are at the top. */
static void flatten(struct removal *removal, DIR *entries)
{
	const int fd = dirfd(entries);
	for (struct dirent *entry; (entry = readdir(entries));)
		if (!is_self_or_parent(entry->d_name) &&
		    (remove_one(fd, entry->d_name, entry->d_type) ||
		     (fd != removal->top && move_up(removal, fd, entry->d_name))))
			removal->changed = true;
}

/* Flattens a directory at the top, and then what this moved there last: a chain at once. */
static void flatten_chain(struct removal *removal, const char *first)
{
	char name[NAME_MAX + 1];
	snprintf(name, sizeof name, "%s", first);
	while (*name) {
		const int fd = open_directory(removal, removal->top, name);
		DIR *entries = fd < 0 ? NULL : fdopendir(fd);
		*removal->moved = '\0';
		if (!entries) {
			close(fd);
			return;
		}
		flatten(removal, entries);
		closedir(entries);
		removal->changed = unlinkat(removal->top, name, AT_REMOVEDIR) == 0 || removal->changed;
		snprintf(name, sizeof name, "%s", removal->moved);
	}
}

/* Removes a file or a tree; returns whether it is gone. */
bool remove_entry(int parent, const char *name, bool locked)
{
	struct stat status;
	struct removal removal = {.locked = locked, .changed = true};
	if (remove_one(parent, name, DT_UNKNOWN))
		return true;
	if (fstat(parent, &status) == 0)
		removal.device = status.st_dev;
	removal.top = open_directory(&removal, parent, name);
	DIR *entries = removal.top < 0 ? NULL : fdopendir(removal.top);
	if (!entries) {
		close(removal.top);
		return false;
	}
	flatten(&removal, entries);
	/* A file system may skip entries while others are added and removed: until nothing changes. */
	while (removal.changed) {
		removal.changed = false;
		rewinddir(entries);
		for (struct dirent *entry; (entry = readdir(entries));)
			if (!is_self_or_parent(entry->d_name))
				flatten_chain(&removal, entry->d_name);
	}
	closedir(entries);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

static void empty_trash(int trash)
{
	DIR *entries = fdopendir(dup(trash));
	if (!entries)
		return;
	rewinddir(entries);
	for (struct dirent *entry; (entry = readdir(entries));)
		if (!is_self_or_parent(entry->d_name))
			remove_entry(trash, entry->d_name, false);
	closedir(entries);
}

/* Empties the trash at each request; ends when the launcher has ended. */
static _Noreturn void empty_on_request(int requests)
{
	char byte = 0;
	const int trash = open("trash", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	/* Not the lock of the box: the next launcher must not wait for this. */
	if (trash < 0 || dup2(requests, 0) < 0 || dup2(trash, 1) < 0 ||
	    close_range(2, ~0U, 0) != 0)
		_exit(EXIT_FAILED);
	while (recv(0, &byte, 1, 0) == 1) {
		empty_trash(1);
		if (send(0, &byte, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	_exit(0);
}

/* A child without an exit signal: not reaped as a program, and its time counts for none. */
void start_emptier(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		die("socketpair");
	const long child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (child < 0)
		die("clone");
	if (child == 0)
		empty_on_request(ends[1]);
	if (dup2(ends[0], EMPTIER_FD) < 0)
		die("dup2");
	close_received();
}

void begin_emptying(void)
{
	if (send(EMPTIER_FD, "", 1, MSG_NOSIGNAL) != 1)
		die("emptying");
	asked++;
}

/* Waits for the end of all that was begun; returns false if it takes longer. */
bool finish_emptying(int milliseconds)
{
	const int64_t deadline_us = microseconds(CLOCK_MONOTONIC) + milliseconds * 1000LL;
	struct pollfd emptier = {.fd = EMPTIER_FD, .events = POLLIN};
	char byte;
	for (; asked; asked--) {
		const int64_t left_us = deadline_us - microseconds(CLOCK_MONOTONIC);
		const int ready = poll(&emptier, 1, left_us > 0 ? (int)(left_us / 1000) : 0);
		if (ready == 0)
			return false;
		if (ready < 0 || recv(EMPTIER_FD, &byte, 1, 0) != 1)
			fail("emptying", "the process that removes used directories has ended");
	}
	return true;
}
