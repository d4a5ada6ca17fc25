/*
 * The directories of a box.
 *
 * No directory that a program could change is used again: a used one is moved to the trash and a
 * new one is made, which costs the same whatever is in it.  emptier.c removes the trash.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "launcher.h"

const char *const given_names[ROLES] = {"compile", "run", "checker"};
const char *const work_names[ROLES] = {"build", "scratch", "feedback"};
enum { CLEAN_MS = 60000 }; /* less than the worker waits for a reply */

char directory[sizeof BOX_ROOT + 32];

/* By role: whether a program may have changed the working directory. */
static bool used[ROLES];

/* The parent is writable by root only, so the directory cannot be swapped between these steps. */
static void own(const char *name, uid_t user, gid_t group, mode_t mode)
{
	if (lchown(name, user, group) != 0 || chmod(name, mode) != 0)
		die(name);
}

/* With a new name each time: the trash may still have directories of earlier launchers. */
static void throw_away(const char *name)
{
	static uint64_t start, count;
	char target[64];
	if (!start && getrandom(&start, sizeof start, 0) != sizeof start)
		die("getrandom");
	snprintf(target, sizeof target, "trash/%jx-%ju", (uintmax_t)start, (uintmax_t)count++);
	if (rename(name, target) != 0 && errno != ENOENT)
		die(name);
}

/* A full disk may have room again once the trash has been emptied. */
static void renew(const char *name, gid_t group, mode_t mode)
{
	throw_away(name);
	int made = mkdir(name, 0700);
	if (made != 0 && (errno == ENOSPC || errno == EDQUOT)) {
		begin_emptying();
		finish_emptying(SOON_MS);
		made = mkdir(name, 0700);
	}
	if (made != 0)
		die(name);
	own(name, getuid(), group, mode);
}

static void renew_work(int role)
{
	used[role] = true; /* until all steps have succeeded */
	renew(work_names[role], user_of(role), 0770);
	used[role] = false;
}

void prepare(void)
{
	snprintf(directory, sizeof directory, "%s/slot-%d", BOX_ROOT, box);
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		die(directory);
	own(directory, 0, 0, 0711);
	if (chdir(directory) != 0)
		die(directory);
	if (mkdir("trash", 0700) != 0 && errno != EEXIST)
		die("trash");
	own("trash", 0, 0, 0700);
	find_shared();
	start_emptier();
}

/* Makes all directories new: what an earlier launcher left is not known. */
void renew_all(void)
{
	for (int role = 0; role < ROLES; role++) {
		renew(given_names[role], user_of(role), 02750);
		renew_work(role);
	}
	remove_shared();
	begin_emptying();
}

/* Programs can read the input but neither change nor mark it: its directory can stay. */
static void empty_given(int role)
{
	DIR *entries = opendir(given_names[role]);
	if (!entries)
		die(given_names[role]);
	for (struct dirent *entry; (entry = readdir(entries));)
		if (!is_self_or_parent(entry->d_name) &&
		    unlinkat(dirfd(entries), entry->d_name, 0) != 0)
			die(given_names[role]);
	closedir(entries);
}

/* Removes the input, and replaces the working directories that a program may have changed. */
void clean(void)
{
	bool any = false;
	for (int role = 0; role < ROLES; role++) {
		empty_given(role);
		any = any || used[role];
	}
	if (!any)
		return;
	/* At most one submission's files are in the trash. */
	if (!finish_emptying(CLEAN_MS))
		fail("emptying", "used directories are not removed in time");
	for (int role = 0; role < ROLES; role++)
		if (used[role])
			renew_work(role);
	remove_shared();
	begin_emptying();
}

/* A program starts in a directory that no other program could change. */
void prepare_work(const struct request *request)
{
	const int role = (int)request->role;
	if (used[role]) {
		finish_emptying(SOON_MS); /* if it takes longer, it is on a slow machine: `clean` waits */
		renew_work(role);
		remove_shared();
		begin_emptying();
	}
	used[role] = may_write(request->policy);
	if (used[role])
		begin_disk_watch();
}
