/*
 * The directories of the machine that every user can write to.
 *
 * Landlock keeps programs out of them.  On a machine that belongs to the worker alone they are also
 * closed to all others, for kernels without Landlock; elsewhere what programs left is removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "launcher.h"

enum { MAX_SHARED = 16, PATH_BYTES = 300 };

static const char *const parents[] = {SHARED_PARENTS};
static char shared[MAX_SHARED][PATH_BYTES];
size_t shared_count;

/* The worker's group can still use it; others can only pass through. */
static void close_to_others(int parent, const char *name)
{
	const mode_t mode = S_ISVTX | S_IRWXU | S_IRWXG | S_IXOTH;
	if (fchownat(parent, name, 0, WORKER_GID, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fchmodat(parent, name, mode, 0) != 0)
		if (errno != EROFS) /* then no user can write to it */
			die(name);
}

/* Root owns the parents, so no other user replaces an entry meanwhile. */
static void find_in(const char *parent)
{
	struct stat status;
	DIR *entries = opendir(parent);
	for (struct dirent *entry; entries && (entry = readdir(entries));) {
		if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISDIR(status.st_mode) || !(status.st_mode & S_IWOTH))
			continue;
		if (OWN_MACHINE)
			close_to_others(dirfd(entries), entry->d_name);
		else if (shared_count == MAX_SHARED)
			fail(parent, "too many directories that every user can write to");
		else
			snprintf(shared[shared_count++], PATH_BYTES, "%s/%s", parent, entry->d_name);
	}
	if (entries)
		closedir(entries);
}

void find_shared(void)
{
	if (OWN_MACHINE || !can_confine())
		for (size_t i = 0; i < COUNT(parents); i++)
			find_in(parents[i]);
}

int open_shared(size_t number)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	return open(shared[number], flags);
}

/* Removes what the user owns; returns whether nothing of it is left. */
static bool remove_of(uid_t user)
{
	struct stat status;
	bool all = true;
	for (size_t i = 0; i < shared_count; i++) {
		const int fd = open_shared(i);
		DIR *entries = fd < 0 ? NULL : fdopendir(fd);
		for (struct dirent *entry; entries && (entry = readdir(entries));)
			if (!is_self_or_parent(entry->d_name) &&
			    fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			    status.st_uid >= user_of(COMPILE) && status.st_uid <= user_of(CHECKER))
				all = (remove_entry(fd, entry->d_name, true) || status.st_uid != user) && all;
		if (entries)
			closedir(entries);
	}
	return all;
}

/*
 * By a process of each user, so that nothing of others can be removed, whatever others do there.
 * Twice: one user may have files in a directory of another.
 */
void remove_shared(void)
{
	int status;
	for (int i = 0; shared_count && i < 2 * ROLES; i++) {
		const uid_t user = user_of(i % ROLES);
		const pid_t helper = fork();
		if (helper == 0)
			_exit(!become(user, user_of(SWEEPER)) || !remove_of(user));
		if (helper < 0 || waitpid(helper, &status, 0) != helper || (status != 0 && i >= ROLES))
			fail("cleaning", "files in directories of all users cannot be removed");
	}
}
