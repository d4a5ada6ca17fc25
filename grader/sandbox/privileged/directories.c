/* The directories of a box. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "launcher.h"

const char *const given_names[ROLES] = {"compile", "run", "checker"};
const char *const work_names[ROLES] = {"build", "scratch", "feedback"};
char directory[sizeof BOX_ROOT + 32];

/* The parent is writable by root only, so the directory cannot be swapped between these steps. */
static void make_directory(const char *name, uid_t user, gid_t group, mode_t mode)
{
	const bool made = mkdir(name, 0700) == 0 || errno == EEXIST;
	if (!made || lchown(name, user, group) != 0 || chmod(name, mode) != 0)
		die(name);
}

void prepare(void)
{
	struct stat root;
	if (stat(BOX_ROOT, &root) != 0 || root.st_uid != 0 || (root.st_mode & 022))
		fail(BOX_ROOT, "missing, or writable by users other than root");
	snprintf(directory, sizeof directory, "%s/slot-%d", BOX_ROOT, box);
	make_directory(directory, 0, 0, 0711);
	if (chdir(directory) != 0)
		die(directory);
	for (int role = 0; role < ROLES; role++) {
		make_directory(given_names[role], getuid(), user_of(role), 02750);
		make_directory(work_names[role], getuid(), user_of(role), 0770);
	}
}
