/* Starts a program with its limits, user and filter. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <unistd.h>
#include "launcher.h"
#include "policies.h"

char *start_error;

static _Noreturn void fail_start(const char *step)
{
	snprintf(start_error, sizeof(struct reply), "%s: %s", step, strerror(errno));
	_exit(EXIT_FAILED);
}

/* Of one process.  Memory of the kernel behind them is counted by memory.c. */
int64_t most_descriptors(const struct request *request)
{
	return request->role == COMPILE ? 256 : 64;
}

/* Sets hard and soft limits; a lower hard limit stays where raising it is refused (EPERM). */
static void set_limits(const struct request *request)
{
	const int64_t *number = request->number;
	const struct { __rlimit_resource_t resource; int64_t value; } limits[] = {
		{RLIMIT_CORE, 0}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, most_descriptors(request)},
		{RLIMIT_SIGPENDING, 256}, /* also timers; each is memory of the kernel */
		{RLIMIT_CPU, (number[CPU_MS] + 999) / 1000 + 1}, /* in whole seconds: a backstop */
		{RLIMIT_FSIZE, number[FILE_BYTES]}, {RLIMIT_NPROC, number[PROCESSES]},
		/* Unlimited stack: otherwise each thread reserves that much data.  The next two are far
		   above the memory limit, and end programs that allocate without using. */
		{RLIMIT_STACK, -1}, {RLIMIT_DATA, number[DATA_KB] * 1024},
		{RLIMIT_AS, number[SPACE_KB] ? number[SPACE_KB] * 1024 : -1},
	};
	for (size_t i = 0; i < COUNT(limits); i++) {
		const struct rlimit limit = {(rlim_t)limits[i].value, (rlim_t)limits[i].value};
		if (setrlimit(limits[i].resource, &limit) != 0 && errno != EPERM)
			fail_start("setrlimit");
	}
}

/*
 * A filter cannot read the path given to execve, but it can compare pointers: a policy with
 * EXEC_MARK allows execve only with argv at a random, unguessable address, which is used here.
 */
static char **seal_exec(char *const (*argv)[MAX_WORDS + 1], const struct sock_fprog *filter)
{
	unsigned long long secret;
	if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
		fail_start("getrandom");
	secret = (secret & 0x3ffffffff000) | 0x100000000000;
	char **sealed = mmap((void *)secret, sizeof *argv, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (sealed == MAP_FAILED)
		fail_start("mmap");
	for (size_t i = 0; i < filter->len; i++)
		if (filter->filter[i].k == (unsigned)(EXEC_MARK >> 32))
			filter->filter[i].k = (unsigned)(secret >> 32);
		else if (filter->filter[i].k == (unsigned)EXEC_MARK)
			filter->filter[i].k = (unsigned)secret;
	return memcpy(sealed, argv, sizeof *argv);
}

/* Whether its programs may create and change files. */
bool may_write(uint32_t policy) { return policies[policy].files; }

/* The version of Landlock; less than 1 where it is missing or disabled. */
static long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool can_confine(void) { return USE_LANDLOCK && landlock_version() >= 1; }

/* Allows changes below the working directory only, where the kernel has Landlock. */
static void confine(void)
{
	/* All rights from REMOVE_DIR to MAKE_SYM; to REFER from the second version on. */
	const long version = landlock_version();
	const uint64_t last = version < 2 ? LANDLOCK_ACCESS_FS_MAKE_SYM : LANDLOCK_ACCESS_FS_REFER;
	const uint64_t changes = (last << 1) - LANDLOCK_ACCESS_FS_REMOVE_DIR;
	struct landlock_ruleset_attr rules = {changes | LANDLOCK_ACCESS_FS_WRITE_FILE};
	struct landlock_path_beneath_attr here = {rules.handled_access_fs, open(".", O_PATH)};
	struct landlock_path_beneath_attr sink = {LANDLOCK_ACCESS_FS_WRITE_FILE,
		open("/dev/null", O_PATH)};
	if (version < 1)
		return;
	const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &here, 0) != 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &sink, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		fail_start("landlock");
}

static _Noreturn void start(struct request *request, int handover)
{
	char temporary[sizeof directory + 32], memory[64];
	char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
		"HOME=/nonexistent", temporary, memory, NULL};
	const uid_t user = user_of((int)request->role);
	const char *name = work_names[request->role];
	struct sock_fprog filter = policies[request->policy].filter;

	snprintf(temporary, sizeof temporary, "TMPDIR=%s/%s", directory, name);
	/* The garbage collector of Go knows no other limit. */
	snprintf(memory, sizeof memory, "GOMEMLIMIT=%jdKiB", request->number[MEMORY_KB] / 8 * 7);
	const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (setsid() < 0 || chdir(name) != 0 || write(score, OOM_SCORE, 4) != 4 ||
	    sigprocmask(SIG_UNBLOCK, &all_signals, NULL) != 0)
		fail_start("setting up");
	umask(022);
	char **argv = seal_exec(&request->argv, &filter);
	set_limits(request);
	/* The parent-death signal comes last: a change of user clears it. */
	if (!become(user, user) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher)
		fail_start("becoming the user of the box");
	if (USE_LANDLOCK)
		confine();
	/* Each descriptor is above its target, so dup2 never overwrites a later one. */
	for (int i = 0; i < request->fd_count; i++)
		if (request->fds[i] <= i || dup2(request->fds[i], i) < 0)
			fail_start("descriptors");
	const int socket = request->fd_count;
	if (dup3(handover, socket, O_CLOEXEC) < 0 || close_range((unsigned)socket + 1, ~0U, 0) != 0 ||
	    !install_and_hand_over(&filter, socket))
		fail_start("seccomp");
	execve(argv[0], argv, environment);
	fail_start(argv[0]);
}

pid_t launch(struct request *request)
{
	*start_error = '\0';
	const int handover = begin_handover(request->command == SERVER ? SERVER_CALLS : PROGRAM_CALLS);
	const pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0)
		start(request, handover);
	close(handover);
	return child;
}
