/*
 * Runs untrusted programs as the users of one slot and reports what became of them.
 *
 *   launcher config        what was compiled in, as JSON
 *   launcher serve SLOT    makes the slot's directories, then does what arrives on stdin,
 *                          a SEQPACKET socket of the worker: message in, reply out, see below;
 *                          stdout may be what others take for the sign that the slot is taken
 *
 * It is setuid root and executable by the worker's group, so it trusts no message: slots are
 * numbers and not users, directories are compiled in, numbers have ceilings, the environment is
 * made here.  What fails on our side is said in a last reply; the process then ends.  It ends with
 * its worker, also in the middle of a run, and by no other signal than SIGKILL.
 *
 *   BOX_ROOT/slot-N/                 root 0711
 *     compile/ run/ checker/         the worker 2750, group of the role's user: what it was given
 *     build/ scratch/ feedback/      the worker 0770, group of the role's user: where it works
 *
 * A SERVER is a program that forks warm copies of itself, and is as untrusted as they are.  The
 * worker has it fork one, which waits for the end of a pipe; WARM says which process that is and
 * hands over the pipe's other end, so that it starts when it is being watched.
 *
 * A slot has four users: one for each role, and one that nobody runs as, to send signals with.
 * config.h comes from build.py: BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID, USE_LANDLOCK,
 * EXEC_MARK, CONFIG (all of that as text), policies[].
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "config.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { COMPILE, RUN, CHECKER, ROLES, SWEEPER = ROLES, USERS };
enum { COLD, SERVER, WARM, SWEEP };                                  /* commands */
enum { RUNNING, ENDED, BY_CPU, BY_WALL, BY_MEMORY, DONE };           /* reasons */
enum { EXIT_FAILED = 70, TICK_NS = 10000000, SWEEP_US = 10000000 };
enum { CONTROL_FD = 0, MOST_FDS = 8, MOST_WORDS = 48, WORD_BYTES = 4096 };

/* In the order of a message; SPACE_KB 0 leaves the address space alone; PID is for WARM alone. */
enum { CPU_MS, WALL_MS, MEMORY_KB, DATA_KB, SPACE_KB, FILE_BYTES, PROCESSES, PID, NUMBERS };
static const int64_t ceilings[NUMBERS] = {600000, 1300000, 64 << 20, 64 << 20, 64 << 20,
	1LL << 32, 512, 1 << 22};

struct request {
	uint32_t command, role, policy, words;
	int64_t number[NUMBERS];
	char word[MOST_WORDS][WORD_BYTES];
	/* Not in the message itself: */
	int fds[MOST_FDS], fd_count;
	char *argv[MOST_WORDS + 1];
};

struct reply {
	int32_t reason, status, server_alive, padding;
	int64_t cpu_us, wall_us, peak_kb;
	char error[512];
};

struct usage { int64_t processes, cpu_us, rss_kb; };

static const char *const given_names[ROLES] = {"compile", "run", "checker"};
static const char *const work_names[ROLES] = {"build", "scratch", "feedback"};
static int slot = -1;           /* that is served */
/* Whom it is served for, this process, and what is watched; 0 when there is none. */
static pid_t worker, launcher, program, server;
static char directory[sizeof BOX_ROOT + 32]; /* of the slot, and the current one */
static sigset_t all_signals;
static char *start_failed; /* shared with what was forked and not yet executed: why it cannot */

static _Noreturn void fail(const char *what, const char *why)
{
	struct reply reply = {0};
	snprintf(reply.error, sizeof reply.error, "%s: %s", what, why);
	if (slot < 0 || send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "launcher: %s\n", reply.error);
	exit(EXIT_FAILED);
}

static _Noreturn void die(const char *what) { fail(what, strerror(errno)); }
static _Noreturn void refuse(const char *what) { fail("refused", what); }

static uid_t user_of(int role) { return (uid_t)(UID_BASE + slot * USERS + role); }

static int64_t microseconds(clockid_t clock)
{
	struct timespec time = {0};
	return clock_gettime(clock, &time) ? 0 : time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

/* --- Directories ---------------------------------------------------------------------------- */

/* Below a directory that only root can write, so nobody can exchange it between these steps. */
static void make_directory(const char *name, uid_t user, gid_t group, mode_t mode)
{
	const bool made = mkdir(name, 0700) == 0 || errno == EEXIST;
	if (!made || lchown(name, user, group) != 0 || chmod(name, mode) != 0)
		die(name);
}

static void prepare(void)
{
	struct stat root;
	if (stat(BOX_ROOT, &root) != 0 || root.st_uid != 0 || (root.st_mode & 022))
		fail(BOX_ROOT, "not there, or others than root could write it");
	snprintf(directory, sizeof directory, "%s/slot-%d", BOX_ROOT, slot);
	make_directory(directory, 0, 0, 0711);
	if (chdir(directory) != 0)
		die(directory);
	for (int role = 0; role < ROLES; role++) {
		make_directory(given_names[role], getuid(), user_of(role), 02750);
		make_directory(work_names[role], getuid(), user_of(role), 0770);
	}
}

/* --- Messages: every part is believed to be hostile ------------------------------------------ */

static void check(struct request *request, size_t length)
{
	if (length < offsetof(struct request, word) || request->words > MOST_WORDS ||
	    length != offsetof(struct request, word[request->words]))
		refuse("length");
	if (request->command > SWEEP || request->role >= ROLES ||
	    request->policy >= COUNT(policies))
		refuse("command, role or policy");
	for (int i = 0; i < NUMBERS; i++)
		if (request->number[i] < 0 || request->number[i] > ceilings[i])
			refuse("number out of bounds");
	for (uint32_t i = 0; i < request->words; i++) {
		request->argv[i] = request->word[i];
		if (!memchr(request->word[i], '\0', WORD_BYTES))
			refuse("word without an end");
	}
	request->argv[request->words] = NULL;
	if (request->command <= SERVER && (request->fd_count < 3 || !request->words))
		refuse("no program");
}

/* False when the worker is gone. */
static bool receive(struct request *request)
{
	union { char bytes[CMSG_SPACE(sizeof request->fds)]; struct cmsghdr align; } control;
	struct iovec data = {request, offsetof(struct request, fds)};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control};
	const ssize_t length = recvmsg(CONTROL_FD, &header, MSG_CMSG_CLOEXEC);
	if (length <= 0)
		return false;
	const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    (rights && (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)))
		refuse("too much, or of another kind");
	request->fd_count = rights ? (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
	if (rights)
		memcpy(request->fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	check(request, (size_t)length);
	return true;
}

/* Nothing else is open above stderr. */
static void close_received(void)
{
	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		die("close_range");
}

/* --- Processes of a user -------------------------------------------------------------------- */

/*
 * Adds one process; one that has gone adds nothing, nor does a dead one that others wait for.  One
 * whose first thread has ended only looks dead: then another thread shows its memory.
 */
static void add_process(struct usage *sum, pid_t pid)
{
	char path[300], text[1024], state = 'Z';
	pid_t parent = 0;
	/* Of children that it waited for, and of itself. */
	long long user_ticks = 0, system_ticks = 0, pages = 0;
	clockid_t clock;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	for (struct dirent *entry; threads && !pages && (entry = readdir(threads));) {
		snprintf(path, sizeof path, "/proc/%d/task/%s/stat", pid, entry->d_name);
		const int fd = open(path, O_RDONLY | O_CLOEXEC);
		const ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
		close(fd);
		text[length > 0 ? length : 0] = '\0';
		const char *end = strrchr(text, ')'); /* of the name, which may hold anything */
		sscanf(end ? end + 1 : "", " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
		       " %lld %lld %*d %*d %*d %*d %*u %*u %lld",
		       &state, &parent, &user_ticks, &system_ticks, &pages);
	}
	if (threads)
		closedir(threads);
	if (!parent || (state == 'Z' && parent != launcher))
		return;
	sum->processes++;
	sum->rss_kb += pages * (sysconf(_SC_PAGESIZE) / 1024);
	sum->cpu_us += (user_ticks + system_ticks) * (1000000 / sysconf(_SC_CLK_TCK)) +
		(clock_getcpuclockid(pid, &clock) == 0 ? microseconds(clock) : 0);
}

/* All of the slot but the server, which is not the program's. */
static struct usage measure(void)
{
	struct usage sum = {0};
	struct stat status;
	DIR *proc = opendir("/proc");
	if (!proc)
		die("/proc");
	for (struct dirent *entry; (entry = readdir(proc));) {
		const pid_t pid = atoi(entry->d_name);
		if (pid > 0 && pid != server &&
		    fstatat(dirfd(proc), entry->d_name, &status, 0) == 0 &&
		    status.st_uid >= user_of(COMPILE) && status.st_uid <= user_of(CHECKER))
			add_process(&sum, pid);
	}
	closedir(proc);
	return sum;
}

static bool become(uid_t user, uid_t real)
{
	return !setgroups(0, NULL) && !setresgid(user, user, user) && !setresuid(real, user, real);
}

/*
 * A helper signals all that its effective user may.  That must not be root in any id, for which -1
 * would mean everyone; and it is the slot's user in none of the ids by which it could itself be
 * stopped.  A bomb may have grown meanwhile: call again.
 */
static void kill_all(void)
{
	int status;
	for (int role = 0; role < ROLES; role++) {
		const pid_t helper = fork();
		if (helper == 0)
			_exit(!become(user_of(role), user_of(SWEEPER)) ||
			      (kill(-1, SIGKILL) != 0 && errno != ESRCH));
		if (helper < 0 || waitpid(helper, &status, 0) != helper || status != 0)
			fail("sweeping", "no helper, or it failed");
	}
}

/* Collects the program, its server, and the orphans that became ours; false when none is left. */
static bool reap(struct reply *reply)
{
	struct rusage used;
	int status;
	pid_t pid;
	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
		if (pid == server) {
			server = 0;
			continue;
		}
		reply->cpu_us += (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL +
			used.ru_utime.tv_usec + used.ru_stime.tv_usec;
		reply->peak_kb = used.ru_maxrss > reply->peak_kb ? used.ru_maxrss : reply->peak_kb;
		if (pid == program && reply->reason == RUNNING) {
			reply->reason = ENDED;
			reply->status = status;
		}
	}
	return pid == 0;
}

/*
 * As the subreaper this process inherits every orphan, so none is missed.  A server is a child that
 * stays; then only looking tells.  All: also the server, and what a launcher before left behind.
 */
static void sweep(struct reply *reply, bool all)
{
	const int64_t deadline = microseconds(CLOCK_MONOTONIC) + SWEEP_US;
	if (all)
		kill_all();
	while (reap(reply) ? all || !server || measure().processes : all && measure().processes) {
		if (microseconds(CLOCK_MONOTONIC) > deadline)
			fail("sweeping", "processes survive SIGKILL");
		kill_all();
	}
}

/* --- The program ---------------------------------------------------------------------------- */

static _Noreturn void fail_start(const char *step)
{
	snprintf(start_failed, sizeof(struct reply), "%s: %s", step, strerror(errno));
	_exit(EXIT_FAILED);
}

/* Hard and soft alike; one whose hard limit is already lower stays: raising it may be refused. */
static void set_limits(const int64_t *number)
{
	const struct { __rlimit_resource_t resource; int64_t most; } limits[] = {
		{RLIMIT_CORE, 0}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, 256},
		{RLIMIT_CPU, (number[CPU_MS] + 999) / 1000 + 1}, /* whole seconds: only a guard */
		{RLIMIT_FSIZE, number[FILE_BYTES]}, {RLIMIT_NPROC, number[PROCESSES]},
		/* No bound for the stack: else each thread reserves that much as data. */
		{RLIMIT_STACK, -1}, {RLIMIT_DATA, number[DATA_KB] * 1024},
		{RLIMIT_AS, number[SPACE_KB] ? number[SPACE_KB] * 1024 : -1},
	};
	for (size_t i = 0; i < COUNT(limits); i++) {
		const struct rlimit limit = {(rlim_t)limits[i].most, (rlim_t)limits[i].most};
		if (setrlimit(limits[i].resource, &limit) != 0 && errno != EPERM)
			fail_start("setrlimit");
	}
}

/*
 * A filter cannot see which program execve names, but it can compare pointers: where the policy
 * holds EXEC_MARK, only an argv at an address that nobody can guess is let through, and that is
 * ours.
 */
static char **seal_exec(char *const (*argv)[MOST_WORDS + 1], const struct sock_fprog *filter)
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

/* Where the kernel has Landlock: nothing is changed outside the working directory. */
static void confine(void)
{
	/* From removing a directory to making a link; from the second version on, to moving one. */
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
				     LANDLOCK_CREATE_RULESET_VERSION);
	const uint64_t last = version < 2 ? LANDLOCK_ACCESS_FS_MAKE_SYM : LANDLOCK_ACCESS_FS_REFER;
	const uint64_t changes = (last << 1) - LANDLOCK_ACCESS_FS_REMOVE_DIR;
	struct landlock_ruleset_attr rules = {changes | LANDLOCK_ACCESS_FS_WRITE_FILE};
	struct landlock_path_beneath_attr here = {rules.handled_access_fs, open(".", O_PATH)};
	struct landlock_path_beneath_attr sink = {LANDLOCK_ACCESS_FS_WRITE_FILE,
		open("/dev/null", O_PATH)};
	if (version < 1) /* not there, or switched off */
		return;
	const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &here, 0) != 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &sink, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		fail_start("landlock");
}

static _Noreturn void start(struct request *request)
{
	char temporary[sizeof directory + 32], memory[64];
	char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
		"HOME=/nonexistent", temporary, memory, NULL};
	const uid_t user = user_of((int)request->role);
	const char *name = work_names[request->role];
	struct sock_fprog filter = policies[request->policy].filter;

	snprintf(temporary, sizeof temporary, "TMPDIR=%s/%s", directory, name);
	/* The collector of Go heeds no limit but this one. */
	snprintf(memory, sizeof memory, "GOMEMLIMIT=%jdKiB", request->number[MEMORY_KB] / 8 * 7);
	const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (setsid() < 0 || chdir(name) != 0 || write(score, "1000", 4) != 4 ||
	    sigprocmask(SIG_UNBLOCK, &all_signals, NULL) != 0)
		fail_start("setting up");
	umask(022);
	char **argv = seal_exec(&request->argv, &filter);
	set_limits(request->number);
	/* The death signal comes last, for a change of user takes it back. */
	if (!become(user, user) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher)
		fail_start("becoming the slot's user, below a launcher that lives");
	if (USE_LANDLOCK && policies[request->policy].confined)
		confine();
	/* Each number is above its place, so none is lost before its turn. */
	for (int i = 0; i < request->fd_count; i++)
		if (request->fds[i] <= i || dup2(request->fds[i], i) < 0)
			fail_start("descriptors");
	if (close_range((unsigned)request->fd_count, ~0U, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		fail_start("seccomp");
	execve(argv[0], argv, environment);
	fail_start(argv[0]);
}

static pid_t launch(struct request *request)
{
	*start_failed = '\0';
	const pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0)
		start(request);
	return child;
}

/* --- The watch ------------------------------------------------------------------------------ */

static void check_limits(struct reply *reply, const int64_t *limit)
{
	const struct usage usage = measure();
	reply->peak_kb = usage.rss_kb > reply->peak_kb ? usage.rss_kb : reply->peak_kb;
	if (usage.cpu_us + reply->cpu_us > limit[CPU_MS] * 1000)
		reply->reason = BY_CPU;
	else if (usage.rss_kb > limit[MEMORY_KB])
		reply->reason = BY_MEMORY;
	else if (reply->wall_us > limit[WALL_MS] * 1000 || getppid() != worker)
		reply->reason = BY_WALL; /* without a worker nobody has time left */
}

static struct reply run(struct request *request)
{
	const struct timespec tick = {0, TICK_NS};
	const int64_t started_us = microseconds(CLOCK_MONOTONIC);
	struct reply reply = {.reason = RUNNING};
	program = request->command == WARM ? (pid_t)request->number[PID] : launch(request);
	close_received(); /* a warm one waits for that */
	while (reply.reason == RUNNING) {
		sigtimedwait(&all_signals, NULL, &tick);
		reap(&reply);
		reply.wall_us = microseconds(CLOCK_MONOTONIC) - started_us;
		if (reply.reason == RUNNING)
			check_limits(&reply, request->number);
	}
	sweep(&reply, false);
	if (*start_failed)
		fail("cannot start", start_failed);
	return reply;
}

static void serve(void)
{
	static struct request request;
	struct reply reply = {.reason = DONE};
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL); /* whatever was ignored; those that cannot be set are so */
	start_failed = mmap(NULL, sizeof(struct reply), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* A signal to end is the worker's to heed: this would break off one of its runs. */
	if (sigfillset(&all_signals) != 0 || sigprocmask(SIG_SETMASK, &all_signals, NULL) != 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || start_failed == MAP_FAILED)
		die("setting up");
	close_received();
	prepare();
	sweep(&reply, true);
	while (receive(&request)) {
		reply = (struct reply){.reason = DONE};
		const bool watched = request.command == COLD || request.command == WARM;
		if (watched)
			reply = run(&request);
		else
			sweep(&reply, true);
		if (request.command == SERVER)
			server = launch(&request);
		close_received();
		reply.server_alive = server != 0;
		if (send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
			break;
	}
	sweep(&reply, true);
}

int main(int argc, char **argv)
{
	worker = getppid();
	launcher = getpid();
	clearenv();
	if (geteuid() != 0)
		fail("not setuid root here", "nosuid mount or no_new_privs?");
	if (argc == 2 && strcmp(argv[1], "config") == 0)
		return puts(CONFIG) < 0;
	char *end;
	const bool named = argc == 3 && strcmp(argv[1], "serve") == 0 && *argv[2] >= '0';
	const long wanted = named ? strtol(argv[2], &end, 10) : -1;
	if (!named || *end || wanted >= SLOT_COUNT)
		refuse("usage: config | serve SLOT");
	slot = (int)wanted;
	serve();
}
