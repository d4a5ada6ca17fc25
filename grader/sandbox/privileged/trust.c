/* What the worker is not trusted with. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "launcher.h"

/*
 * Only root may be able to replace a part of the path; on a machine with other uses, also the owner
 * of the place that was chosen for it.
 */
static void check_directory(const char *path, bool strict, bool may_be_sticky)
{
	struct stat status;
	if (lstat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		fail(path, "missing, or not a directory");
	const bool sticky = may_be_sticky && (status.st_mode & S_ISVTX);
	if ((strict && status.st_uid != 0) || ((status.st_mode & (strict ? 022 : 002)) && !sticky))
		fail(path, "writable by users other than root");
}

static void check_path(void)
{
	char path[] = BOX_ROOT;
	check_directory(path, true, false);
	for (char *end; (end = strrchr(path, '/'));) {
		end[end == path] = '\0';
		check_directory(path, OWN_MACHINE, true);
		if (end == path)
			return;
	}
}

/* lock.py: whoever holds a socket of this name holds the box. */
static void check_lock(void)
{
	struct sockaddr_un held = {0}, wanted = {.sun_family = AF_UNIX};
	socklen_t length = sizeof held;
	const int count = snprintf(wanted.sun_path + 1, sizeof wanted.sun_path - 1,
				   "grader-slot-of-user-%d", (int)user_of(COMPILE));
	const socklen_t expected =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)count);
	if (getsockname(LOCK_FD, (struct sockaddr *)&held, &length) != 0 || length != expected ||
	    memcmp(&held, &wanted, expected) != 0)
		refuse("stdout is not the lock of the box");
}

void check_caller(void)
{
	check_path();
	check_lock();
}
