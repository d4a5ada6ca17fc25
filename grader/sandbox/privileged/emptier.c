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
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "launcher.h"

enum { EMPTYING_MS = 20000 }; /* less than the worker waits for a reply */

static bool asked; /* and not answered yet */

static bool is_self_or_parent(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* locked: opens what its owner has locked; only as that owner, since it follows links. */
static int open_directory(int parent, const char *name, bool locked)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat outer, inner;
	if (locked)
		(void)!fchmodat(parent, name, 0700, 0);
	const int fd = openat(parent, name, flags);
	if (fd >= 0 && fstat(parent, &outer) == 0 && fstat(fd, &inner) == 0 &&
	    outer.st_dev == inner.st_dev)
		return fd;
	close(fd);
	return -1;
}

/* Removes files and empty directories; moves others to the top.  Returns whether it changed any. */
static bool flatten(int top, DIR *entries, bool locked)
{
	static uint64_t count;
	char name[32];
	bool changed = false;
	for (struct dirent *entry; (entry = readdir(entries));) {
		if (is_self_or_parent(entry->d_name))
			continue;
		const int fd = dirfd(entries);
		bool gone = unlinkat(fd, entry->d_name, 0) == 0 ||
			unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0;
		while (!gone && fd != top) {
			/* The owner needs the right to write into what is moved. */
			if (locked)
				(void)!fchmodat(fd, entry->d_name, 0700, 0);
			snprintf(name, sizeof name, "%ju", (uintmax_t)count++);
			gone = renameat(fd, entry->d_name, top, name) == 0;
			if (!gone && errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
				break;
		}
		changed = changed || gone;
	}
	return changed;
}

/* Flattens each directory at the top; returns whether this changed anything. */
static bool flatten_each(DIR *top, bool locked)
{
	bool changed = false;
	for (struct dirent *entry; (entry = readdir(top));) {
		const int fd = is_self_or_parent(entry->d_name) ? -1 :
			open_directory(dirfd(top), entry->d_name, locked);
		DIR *inner = fd < 0 ? NULL : fdopendir(fd);
		if (inner) {
			changed = flatten(dirfd(top), inner, locked) || changed;
			closedir(inner);
			unlinkat(dirfd(top), entry->d_name, AT_REMOVEDIR);
		}
	}
	return changed;
}

/* Removes a file or a tree; returns whether it is gone. */
bool remove_entry(int parent, const char *name, bool locked)
{
	if (unlinkat(parent, name, 0) == 0 || unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return true;
	const int fd = open_directory(parent, name, locked);
	DIR *top = fd < 0 ? NULL : fdopendir(fd);
	if (!top)
		return errno == ENOENT;
	/* A file system may skip entries while others are added and removed: until nothing changes. */
	for (bool changed = true; changed;) {
		changed = flatten(fd, top, locked);
		rewinddir(top);
		changed = flatten_each(top, locked) || changed;
		rewinddir(top);
	}
	closedir(top);
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
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
	asked = true;
}

/* Waits for the end of what was begun, so that used directories cannot fill the disk. */
void finish_emptying(void)
{
	char byte;
	struct pollfd emptier = {.fd = EMPTIER_FD, .events = POLLIN};
	if (!asked)
		return;
	if (poll(&emptier, 1, EMPTYING_MS) != 1 || recv(EMPTIER_FD, &byte, 1, 0) != 1)
		fail("emptying", "used directories cannot be removed, or not in time");
	asked = false;
}
