/*
 * Calls that fail once: linked into a launcher with --wrap.  FAULT is a file with the name of the
 * call; the call removes it, and fails.
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
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int fails(const char *call)
{
	char wanted[64] = "";
	const int fd = open(FAULT, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, wanted, sizeof wanted - 1) < 0 || strcmp(wanted, call) != 0)
		return close(fd), 0;
	close(fd);
	errno = EIO;
	return unlink(FAULT) == 0;
}

#define FAILING(type, name, none, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters { return fails(#name) ? none : __real_##name arguments; }

FAILING(int, rename, -1, (const char *from, const char *to), (from, to))
FAILING(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
FAILING(int, lchown, -1, (const char *path, uid_t user, gid_t group), (path, user, group))
FAILING(int, chmod, -1, (const char *path, mode_t mode), (path, mode))
FAILING(int, unlinkat, -1, (int parent, const char *name, int flags), (parent, name, flags))
FAILING(int, chdir, -1, (const char *path), (path))
FAILING(int, socketpair, -1, (int domain, int type, int protocol, int *ends),
	(domain, type, protocol, ends))
FAILING(int, poll, -1, (struct pollfd *waited, nfds_t count, int time), (waited, count, time))
FAILING(pid_t, fork, -1, (void), ())
FAILING(DIR *, opendir, NULL, (const char *path), (path))
FAILING(DIR *, fdopendir, NULL, (int fd), (fd))
