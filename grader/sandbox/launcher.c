/*
 * Runs untrusted programs as the users of one box and reports their outcome.
 *
 *   launcher config       prints the compiled-in settings as JSON
 *   launcher serve BOX    creates the directories of the box, then handles requests on stdin, a
 *                         SEQPACKET socket of the worker: a message in, a reply out, see below.
 *                         stdout may be the lock of the box, which is released when this process
 *                         ends
 *
 * It is setuid root and executable by the worker's group, so it validates every part of a message:
 * a box is a number and not a user, directories are compiled in, numbers are bounded, and the
 * environment is created here.  When a step of its own fails, it sends a last reply with the error
 * and exits.  It exits with its worker, also during a run, and ignores every signal but SIGKILL.
 *
 *   BOX_ROOT/slot-N/                 root 0711
 *     compile/ run/ checker/         worker 2750, group of the role's user: input of the role
 *     build/ scratch/ feedback/      worker 0770, group of the role's user: its working directory
 *
 * A SERVER is a program that forks copies of itself, and is as untrusted as they are.  On request
 * of the worker it forks a process that blocks on a pipe; the worker sends its pid in WATCH with
 * the other end of the pipe.  Closing that end here starts the process, so it never runs
 * unwatched.
 *
 * A box has four users: one per role, and one without programs, which sends the signals.
 * config.h is written by build.py: BOX_ROOT, UID_BASE, BOX_COUNT, WORKER_GID, USE_LANDLOCK,
 * EXEC_MARK, CONFIG (all of these as text), policies[].
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
enum { START, SERVER, WATCH, SWEEP };                                /* commands */
enum { RUNNING, ENDED, BY_CPU, BY_WALL, BY_MEMORY, DONE };           /* reasons */
enum { EXIT_FAILED = 70, TICK_NS = 10000000, SWEEP_US = 10000000 };
enum { CONTROL_FD = 0, MAX_FDS = 8, MAX_WORDS = 48, WORD_BYTES = 4096 };

/* In the order of a message; SPACE_KB 0 means no limit; PID is used by WATCH only. */
enum { CPU_MS, WALL_MS, MEMORY_KB, DATA_KB, SPACE_KB, FILE_BYTES, PROCESSES, PID, NUMBERS };
static const int64_t maxima[NUMBERS] = {600000, 1300000, 64 << 20, 64 << 20, 64 << 20,
	1LL << 32, 512, 1 << 22};

struct request {
	uint32_t command, role, policy, words;
	int64_t number[NUMBERS];
	char word[MAX_WORDS][WORD_BYTES];
	/* Not part of the message: */
	int fds[MAX_FDS], fd_count;
	char *argv[MAX_WORDS + 1];
};

struct reply {
	int32_t reason, status, server_alive, padding;
	int64_t cpu_us, wall_us, peak_kb;
	char error[512];
};

struct usage { int64_t processes, cpu_us, rss_kb; };

static const char *const given_names[ROLES] = {"compile", "run", "checker"};
static const char *const work_names[ROLES] = {"build", "scratch", "feedback"};
static int box = -1;            /* the one that is served */
static pid_t worker, launcher, program, server; /* 0 when there is none */
static char directory[sizeof BOX_ROOT + 32]; /* of the box; the working directory */
static sigset_t all_signals;
static char *start_error; /* shared with the forked child until it executes */

static _Noreturn void fail(const char *what, const char *why)
{
	struct reply reply = {0};
	snprintf(reply.error, sizeof reply.error, "%s: %s", what, why);
	if (box < 0 || send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "launcher: %s\n", reply.error);
	exit(EXIT_FAILED);
}

static _Noreturn void die(const char *what) { fail(what, strerror(errno)); }
static _Noreturn void refuse(const char *what) { fail("refused", what); }

static uid_t user_of(int role) { return (uid_t)(UID_BASE + box * USERS + role); }

static int64_t microseconds(clockid_t clock)
{
	struct timespec time = {0};
	return clock_gettime(clock, &time) ? 0 : time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

/* --- Directories ---------------------------------------------------------------------------- */

/* The parent is writable by root only, so the directory cannot be swapped between these steps. */
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

/* --- Messages: every part may be hostile ---------------------------------------------------- */

static void check(struct request *request, size_t length)
{
	if (length < offsetof(struct request, word) || request->words > MAX_WORDS ||
	    length != offsetof(struct request, word[request->words]))
		refuse("length");
	if (request->command > SWEEP || request->role >= ROLES ||
	    request->policy >= COUNT(policies))
		refuse("command, role or policy");
	for (int i = 0; i < NUMBERS; i++)
		if (request->number[i] < 0 || request->number[i] > maxima[i])
			refuse("number out of bounds");
	for (uint32_t i = 0; i < request->words; i++) {
		request->argv[i] = request->word[i];
		if (!memchr(request->word[i], '\0', WORD_BYTES))
			refuse("unterminated word");
	}
	request->argv[request->words] = NULL;
	if (request->command <= SERVER && (request->fd_count < 3 || !request->words))
		refuse("no program");
}

/* Returns false when the worker has closed the socket. */
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
		refuse("too long, or ancillary data of another kind");
	request->fd_count = rights ? (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
	if (rights)
		memcpy(request->fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	check(request, (size_t)length);
	return true;
}

/* No other descriptor above stderr is open. */
static void close_received(void)
{
	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		die("close_range");
}

/* --- Processes of a user -------------------------------------------------------------------- */

/*
 * Adds the usage of one process; nothing if it has gone, or if it is a zombie with another parent.
 * A process whose first thread has ended looks like a zombie: another thread then has its memory.
 */
static void add_process(struct usage *sum, pid_t pid)
{
	char path[300], text[1024], state = 'Z';
	pid_t parent = 0;
	/* CPU time of the children it waited for; resident pages. */
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
		const char *end = strrchr(text, ')'); /* of the name, which may contain any character */
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

/* Usage of all processes of the box except the fork server. */
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
 * A helper per role sends SIGKILL to all processes that its effective user may signal.  None of
 * its ids is root, for which -1 would mean every process, and its real and saved ids are not the
 * role's, so the role's processes cannot signal it.  A fork bomb may grow meanwhile: call again.
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
			fail("sweeping", "the helper could not be started, or failed");
	}
}

/* Reaps the program, its server and inherited orphans; returns false when no child is left. */
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
 * Kills and reaps the processes of the box.  This process is the subreaper and inherits every
 * orphan, so having no child left means that all are gone; with a server, which stays, /proc is
 * read instead.  all: includes the server and processes left by an earlier launcher.
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
	snprintf(start_error, sizeof(struct reply), "%s: %s", step, strerror(errno));
	_exit(EXIT_FAILED);
}

/* Sets hard and soft limits; a lower hard limit stays where raising it is refused (EPERM). */
static void set_limits(const int64_t *number)
{
	const struct { __rlimit_resource_t resource; int64_t value; } limits[] = {
		{RLIMIT_CORE, 0}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, 256},
		{RLIMIT_CPU, (number[CPU_MS] + 999) / 1000 + 1}, /* in whole seconds: a backstop */
		{RLIMIT_FSIZE, number[FILE_BYTES]}, {RLIMIT_NPROC, number[PROCESSES]},
		/* Unlimited stack: otherwise each thread reserves that much data. */
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

/* Allows changes below the working directory only, where the kernel has Landlock. */
static void confine(void)
{
	/* All rights from REMOVE_DIR to MAKE_SYM; to REFER from the second version on. */
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
				     LANDLOCK_CREATE_RULESET_VERSION);
	const uint64_t last = version < 2 ? LANDLOCK_ACCESS_FS_MAKE_SYM : LANDLOCK_ACCESS_FS_REFER;
	const uint64_t changes = (last << 1) - LANDLOCK_ACCESS_FS_REMOVE_DIR;
	struct landlock_ruleset_attr rules = {changes | LANDLOCK_ACCESS_FS_WRITE_FILE};
	struct landlock_path_beneath_attr here = {rules.handled_access_fs, open(".", O_PATH)};
	struct landlock_path_beneath_attr sink = {LANDLOCK_ACCESS_FS_WRITE_FILE,
		open("/dev/null", O_PATH)};
	if (version < 1) /* missing or disabled */
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
	/* The garbage collector of Go knows no other limit. */
	snprintf(memory, sizeof memory, "GOMEMLIMIT=%jdKiB", request->number[MEMORY_KB] / 8 * 7);
	const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (setsid() < 0 || chdir(name) != 0 || write(score, "1000", 4) != 4 ||
	    sigprocmask(SIG_UNBLOCK, &all_signals, NULL) != 0)
		fail_start("setting up");
	umask(022);
	char **argv = seal_exec(&request->argv, &filter);
	set_limits(request->number);
	/* The parent-death signal comes last: a change of user clears it. */
	if (!become(user, user) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher)
		fail_start("becoming the user of the box");
	if (USE_LANDLOCK && policies[request->policy].confined)
		confine();
	/* Each descriptor is above its target, so dup2 never overwrites a later one. */
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
	*start_error = '\0';
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
		reply->reason = BY_WALL; /* the worker has gone */
}

static struct reply run(struct request *request)
{
	const struct timespec tick = {0, TICK_NS};
	const int64_t started_us = microseconds(CLOCK_MONOTONIC);
	struct reply reply = {.reason = RUNNING};
	program = request->command == WATCH ? (pid_t)request->number[PID] : launch(request);
	close_received(); /* a forked process waits for this */
	while (reply.reason == RUNNING) {
		sigtimedwait(&all_signals, NULL, &tick);
		reap(&reply);
		reply.wall_us = microseconds(CLOCK_MONOTONIC) - started_us;
		if (reply.reason == RUNNING)
			check_limits(&reply, request->number);
	}
	sweep(&reply, false);
	if (*start_error)
		fail("cannot start", start_error);
	return reply;
}

static void serve(void)
{
	static struct request request;
	struct reply reply = {.reason = DONE};
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL); /* may be ignored; fails for signals that always have the default */
	start_error = mmap(NULL, sizeof(struct reply), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* The worker handles termination signals: ending here would abort one of its runs. */
	if (sigfillset(&all_signals) != 0 || sigprocmask(SIG_SETMASK, &all_signals, NULL) != 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || start_error == MAP_FAILED)
		die("setting up");
	close_received();
	prepare();
	sweep(&reply, true);
	while (receive(&request)) {
		reply = (struct reply){.reason = DONE};
		const bool watched = request.command == START || request.command == WATCH;
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
		fail("not setuid root", "nosuid mount or no_new_privs?");
	if (argc == 2 && strcmp(argv[1], "config") == 0)
		return puts(CONFIG) < 0;
	char *end;
	const bool named = argc == 3 && strcmp(argv[1], "serve") == 0 && *argv[2] >= '0';
	const long wanted = named ? strtol(argv[2], &end, 10) : -1;
	if (!named || *end || wanted >= BOX_COUNT)
		refuse("usage: config | serve BOX");
	box = (int)wanted;
	serve();
}
