/*
 * Runs untrusted programs as the users of one slot and reports what became of them.
 *
 *   launcher config        what was compiled in, as JSON
 *   launcher serve SLOT    makes the slot's directories, then does what arrives on stdin,
 *                          a SEQPACKET socket of the worker: message in, reply out, see below
 *
 * It is setuid root and executable by the worker's group, so it trusts no message: slots are
 * numbers and not users, directories are compiled in, numbers have ceilings, the environment is
 * made here.  What fails on our side is said in a last reply; the process then ends.
 *
 *   BOX_ROOT/slot-N/                 root 0711
 *     compile/ run/ checker/         the worker 2750, group of the role's user: what it was given
 *     build/ scratch/ feedback/      the role's user 0770, group of the workers: where it works
 *
 * A SERVER is a program that forks warm copies of itself, and is as untrusted as they are.  The
 * worker has it fork one, which waits for the end of a pipe; WARM says which process that is and
 * hands over the pipe's other end, so that it starts when it is being watched.
 *
 * config.h comes from build.py: BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID, EXEC_MARK, USE_LANDLOCK,
 * policies[].
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
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
enum { COMPILE, RUN, CHECKER, ROLES };
enum { COLD, SERVER, WARM, SWEEP };                                  /* commands */
enum { RUNNING, ENDED, BY_CPU, BY_WALL, BY_MEMORY, DONE, ABORTED };   /* reasons */
enum { EXIT_FAILED = 70, TICK_NS = 10000000, SWEEP_US = 10000000 };
enum { CONTROL_FD = 0, MOST_FDS = 8, MOST_WORDS = 48, WORD_BYTES = 4096 };

/* In the order of a message; SPACE_KB 0 leaves the address space alone; PID is for WARM alone. */
enum { CPU_MS, WALL_MS, MEMORY_KB, DATA_KB, SPACE_KB, FILE_BYTES, PROCESSES, PID, NUMBERS };
static const int64_t ceilings[NUMBERS] = {
	600000, 1300000, 64 << 20, 64 << 20, 64 << 20, 1 << 30, 512, 1 << 22
};

struct message {
	uint32_t command, role, policy, words;
	int64_t number[NUMBERS];
	char word[MOST_WORDS][WORD_BYTES];
};

struct reply {
	int32_t reason, exit_code, signal, server_alive;
	int64_t cpu_us, wall_us, peak_kb;
	char error[512];
};

struct request {
	struct message message;
	int fds[MOST_FDS], fd_count;
	uid_t user;
	char *argv[MOST_WORDS + 1];
};

struct usage {
	int64_t processes, cpu_us, rss_kb;
};

struct watch {
	pid_t program;
	uid_t user;
	int status, reason;
	struct usage base; /* of the server, which is not the program's */
	int64_t reaped_cpu_us, peak_kb;
};

static const char *const given_names[ROLES] = {"compile", "run", "checker"};
static const char *const work_names[ROLES] = {"build", "scratch", "feedback"};
static int slot = -1;      /* that is served; its directory is the current one */
static pid_t server_pid;   /* 0 when there is none */
static char *start_failed; /* shared with what was forked and not yet executed: why it cannot */

static _Noreturn void fail(const char *what, int error)
{
	struct reply reply = {0};
	snprintf(reply.error, sizeof reply.error, "%s: %s", what, strerror(error));
	if (slot < 0 || send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "launcher: %s\n", reply.error);
	exit(EXIT_FAILED);
}

static _Noreturn void die(const char *what) { fail(what, errno); }
static _Noreturn void refuse(const char *what) { fail(what, EINVAL); }

static uid_t user_of(int role) { return (uid_t)(UID_BASE + slot * ROLES + role); }

static int64_t now_us(void)
{
	struct timespec moment;
	clock_gettime(CLOCK_MONOTONIC, &moment);
	return moment.tv_sec * 1000000LL + moment.tv_nsec / 1000;
}

/* --- Directories ---------------------------------------------------------------------------- */

/* Below a directory that only root can write, so nobody can exchange it between these steps. */
static void make_directory(const char *name, uid_t user, gid_t group, mode_t mode)
{
	if ((mkdir(name, 0700) != 0 && errno != EEXIST) || lchown(name, user, group) != 0 ||
	    chmod(name, mode) != 0)
		die(name);
}

static void prepare(void)
{
	char name[32];
	struct stat root;
	if (chdir(BOX_ROOT) != 0 || stat(".", &root) != 0)
		die(BOX_ROOT);
	if (root.st_uid != 0 || (root.st_mode & 022))
		fail(BOX_ROOT, EPERM);
	snprintf(name, sizeof name, "slot-%d", slot);
	make_directory(name, 0, 0, 0711);
	if (chdir(name) != 0)
		die(name);
	for (int role = 0; role < ROLES; role++) {
		make_directory(given_names[role], getuid(), user_of(role), 02750);
		make_directory(work_names[role], user_of(role), WORKER_GID, 0770);
	}
}

/* --- Messages: every part is believed to be hostile ------------------------------------------ */

static void check(struct request *request, size_t length)
{
	struct message *message = &request->message;
	if (message->command > SWEEP || message->role >= ROLES || message->policy >= COUNT(policies) ||
	    message->words > MOST_WORDS || length != offsetof(struct message, word[message->words]))
		refuse("message");
	for (int i = 0; i < NUMBERS; i++)
		if (message->number[i] < 0 || message->number[i] > ceilings[i])
			refuse("number out of bounds");
	for (uint32_t i = 0; i < message->words; i++) {
		request->argv[i] = message->word[i];
		if (!memchr(message->word[i], '\0', WORD_BYTES))
			refuse("word without an end");
	}
	request->user = user_of((int)message->role);
	if (message->command <= SERVER && (request->fd_count < 3 || !message->words))
		refuse("no program");
	if (message->command == SERVER ? server_pid != 0 : message->command == WARM && !message->number[PID])
		refuse("server");
}

/* False when the worker is gone. */
static bool receive(struct request *request)
{
	union { char bytes[CMSG_SPACE(sizeof request->fds)]; struct cmsghdr align; } control;
	struct iovec data = {&request->message, sizeof request->message};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control};
	const ssize_t length = recvmsg(CONTROL_FD, &header, MSG_CMSG_CLOEXEC);
	if (length <= 0)
		return false;
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	if (rights) {
		request->fd_count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(request->fds, CMSG_DATA(rights), (size_t)request->fd_count * sizeof(int));
	}
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		refuse("message is too long");
	check(request, (size_t)length);
	return true;
}

/* --- Processes of a user -------------------------------------------------------------------- */

/* Adds one process that is not yet dead; one that has just gone adds nothing. */
static void add_process(struct usage *sum, pid_t pid)
{
	char path[64], text[1024], state;
	long long user_ticks, system_ticks, pages; /* of children that were waited for; in memory */
	clockid_t clock;
	struct timespec used = {0, 0};

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	const char *fields = strrchr(text, ')'); /* the name may hold anything, also a ')' */
	if (!fields || sscanf(fields + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
			" %lld %lld %*d %*d %*d %*d %*u %*u %lld",
			&state, &user_ticks, &system_ticks, &pages) != 4 || state == 'Z')
		return;
	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &used);
	sum->processes++;
	sum->rss_kb += pages * (sysconf(_SC_PAGESIZE) / 1024);
	sum->cpu_us += used.tv_sec * 1000000LL + used.tv_nsec / 1000 +
		(user_ticks + system_ticks) * (1000000 / sysconf(_SC_CLK_TCK));
}

static struct usage measure(uid_t user)
{
	struct usage sum = {0};
	struct dirent *entry;
	struct stat status;
	DIR *proc = opendir("/proc");
	if (!proc)
		die("/proc");
	while ((entry = readdir(proc)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
		    fstatat(dirfd(proc), entry->d_name, &status, 0) == 0 && status.st_uid == user)
			add_process(&sum, atoi(entry->d_name));
	closedir(proc);
	return sum;
}

static bool become(uid_t user)
{
	return setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
	       setresuid(user, user, user) == 0;
}

/* A helper that has become the user signals all it may. A bomb may hit it first: call again. */
static void kill_all_of(uid_t user)
{
	pid_t helper = fork();
	if (helper < 0)
		die("fork");
	if (helper == 0) {
		if (become(user)) /* in all three ids: with root left in one, -1 means everyone */
			kill(-1, SIGKILL);
		_exit(0);
	}
	waitpid(helper, NULL, 0);
}

/* Collects the program, its server, and the orphans that became ours; false when none is left. */
static bool reap(struct watch *watch)
{
	struct rusage used;
	int status;
	pid_t pid;
	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
		if (pid == server_pid) {
			server_pid = 0;
			continue;
		}
		watch->reaped_cpu_us += (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL +
			used.ru_utime.tv_usec + used.ru_stime.tv_usec;
		if (used.ru_maxrss > watch->peak_kb)
			watch->peak_kb = used.ru_maxrss;
		if (pid == watch->program) {
			watch->status = status;
			watch->reason = watch->reason ? watch->reason : ENDED;
		}
	}
	return pid == 0;
}

/* As the subreaper this process inherits every orphan, so none is missed. */
static void sweep(struct watch *watch, bool spare_server)
{
	const int64_t deadline = now_us() + SWEEP_US;
	while (reap(watch)) {
		/* A server is a child that stays; then only looking tells. */
		if (server_pid && measure(watch->user).processes <= (spare_server && server_pid))
			return;
		if (now_us() > deadline)
			fail("processes of the slot survive SIGKILL", EBUSY);
		kill_all_of(watch->user);
	}
}

/* --- The program ---------------------------------------------------------------------------- */

static _Noreturn void fail_start(const char *step)
{
	snprintf(start_failed, sizeof(struct reply), "%s: %s", step, strerror(errno));
	_exit(EXIT_FAILED);
}

/* Hard and soft alike; one that is already lower stays as it is. */
static void set_limits(const int64_t *number)
{
	const struct { __rlimit_resource_t resource; int64_t most; } limits[] = {
		{RLIMIT_CORE, 0}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0}, {RLIMIT_NOFILE, 256},
		{RLIMIT_CPU, (number[CPU_MS] + 999) / 1000 + 1}, /* whole seconds: only a guard */
		{RLIMIT_FSIZE, number[FILE_BYTES]}, {RLIMIT_NPROC, number[PROCESSES]},
		{RLIMIT_STACK, -1}, /* without a bound: else each thread reserves that much as data */
		{RLIMIT_DATA, number[DATA_KB] * 1024},
		{RLIMIT_AS, number[SPACE_KB] ? number[SPACE_KB] * 1024 : -1},
	};
	for (size_t i = 0; i < COUNT(limits); i++) {
		const rlim_t most = (rlim_t)limits[i].most;
		if (setrlimit(limits[i].resource, &(struct rlimit){most, most}) != 0 && errno != EPERM)
			fail_start("setrlimit");
	}
}

/*
 * A filter cannot see which program execve names, but it can compare pointers: where the policy
 * holds EXEC_MARK, only an argv at an address that nobody can guess is let through, and that is
 * ours.
 */
static char **seal_exec(char *const *argv, const struct sock_fprog *filter)
{
	unsigned long long secret;
	const size_t size = (MOST_WORDS + 1) * sizeof *argv;
	if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
		fail_start("getrandom");
	secret = (secret & 0x3ffffffff000) | 0x100000000000;
	char **sealed = mmap((void *)secret, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (sealed == MAP_FAILED)
		fail_start("mmap");
	for (size_t i = 0; i < filter->len; i++)
		if (filter->filter[i].k == (unsigned)(EXEC_MARK >> 32))
			filter->filter[i].k = (unsigned)(secret >> 32);
		else if (filter->filter[i].k == (unsigned)EXEC_MARK)
			filter->filter[i].k = (unsigned)secret;
	return memcpy(sealed, argv, size);
}

/* Where the kernel has Landlock: nothing is changed outside the working directory. */
static void confine(void)
{
	/* What the first version knows, from removing a directory to making a link. */
	const uint64_t changes = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - LANDLOCK_ACCESS_FS_REMOVE_DIR;
	struct landlock_ruleset_attr rules = {changes | LANDLOCK_ACCESS_FS_WRITE_FILE};
	struct landlock_path_beneath_attr here = {rules.handled_access_fs,
		open(".", O_PATH | O_CLOEXEC)};
	struct landlock_path_beneath_attr sink = {LANDLOCK_ACCESS_FS_WRITE_FILE,
		open("/dev/null", O_PATH | O_CLOEXEC)};
	const int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (ruleset >= 0 &&
	    (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &here, 0) != 0 ||
	     syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &sink, 0) != 0 ||
	     syscall(SYS_landlock_restrict_self, ruleset, 0) != 0))
		fail_start("landlock");
}

/* Gives every signal its default meaning and blocks only these. */
static void block_only(const sigset_t *signals)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, signals, NULL);
}

static _Noreturn void start(struct request *request, pid_t launcher)
{
	sigset_t none;
	char temporary[4096], memory[64]; /* the collector of Go heeds no limit but this */
	char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
		"HOME=/nonexistent", temporary, memory, NULL};
	const char *name = work_names[request->message.role];
	struct sock_fprog filter = policies[request->message.policy].filter;

	snprintf(temporary, sizeof temporary, "TMPDIR=%s/slot-%d/%s", BOX_ROOT, slot, name);
	snprintf(memory, sizeof memory, "GOMEMLIMIT=%lldKiB",
		 (long long)request->message.number[MEMORY_KB] / 8 * 7);
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (setsid() < 0 || chdir(name) != 0 || write(score, "1000", 4) != 4)
		fail_start("setting up");
	umask(022);
	sigemptyset(&none);
	block_only(&none);
	char **argv = seal_exec(request->argv, &filter);
	set_limits(request->message.number);
	if (!become(request->user) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fail_start("becoming the slot's user");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher)
		fail_start("the launcher is gone");
	if (USE_LANDLOCK && policies[request->message.policy].confined)
		confine();
	/* Each number is above its place, so none is lost before its turn. */
	for (int i = 0; i < request->fd_count; i++)
		if (request->fds[i] <= i || dup2(request->fds[i], i) < 0)
			fail_start("descriptors");
	if (syscall(SYS_close_range, request->fd_count, ~0U, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		fail_start("seccomp");
	execve(argv[0], argv, environment);
	fail_start(argv[0]);
}

static void close_all(struct request *request)
{
	while (request->fd_count)
		close(request->fds[--request->fd_count]);
}

static pid_t launch(struct request *request)
{
	const pid_t launcher = getpid();
	*start_failed = '\0';
	const pid_t program = fork();
	if (program < 0)
		die("fork");
	if (program == 0)
		start(request, launcher);
	return program;
}

/* --- The watch ------------------------------------------------------------------------------ */

static void check_limits(struct watch *watch, const int64_t *limit, int64_t wall_us)
{
	const struct usage usage = measure(watch->user);
	const int64_t rss_kb = usage.rss_kb - watch->base.rss_kb;
	if (rss_kb > watch->peak_kb)
		watch->peak_kb = rss_kb;
	if (usage.cpu_us - watch->base.cpu_us + watch->reaped_cpu_us > limit[CPU_MS] * 1000)
		watch->reason = BY_CPU;
	else if (rss_kb > limit[MEMORY_KB])
		watch->reason = BY_MEMORY;
	else if (wall_us > limit[WALL_MS] * 1000)
		watch->reason = BY_WALL;
}

/* Until the program ends or has to be ended. */
static void watch_program(struct watch *watch, const int64_t *limit, const sigset_t *signals,
			  pid_t worker, int64_t started_us)
{
	const struct timespec tick = {0, TICK_NS};
	while (!watch->reason) {
		int caught = sigtimedwait(signals, NULL, &tick);
		reap(watch);
		if (!watch->reason && ((caught > 0 && caught != SIGCHLD) || getppid() != worker))
			watch->reason = ABORTED;
		if (!watch->reason)
			check_limits(watch, limit, now_us() - started_us);
	}
}

static void run(struct request *request, struct reply *reply, const sigset_t *signals, pid_t worker)
{
	struct watch watch = {.user = request->user};
	const bool warm = request->message.command == WARM;
	if (warm && server_pid)
		add_process(&watch.base, server_pid);
	const int64_t started_us = now_us();
	watch.program = warm ? (pid_t)request->message.number[PID] : launch(request);
	close_all(request); /* a warm one waits for that */
	watch_program(&watch, request->message.number, signals, worker, started_us);
	reply->wall_us = now_us() - started_us;
	sweep(&watch, warm);
	if (watch.reason == ABORTED)
		fail("the worker is gone", EINTR);
	if (*start_failed)
		fail(start_failed, ENOEXEC);
	reply->reason = watch.reason;
	reply->exit_code = WIFEXITED(watch.status) ? WEXITSTATUS(watch.status) : 0;
	reply->signal = WIFSIGNALED(watch.status) ? WTERMSIG(watch.status) : 0;
	reply->cpu_us = watch.reaped_cpu_us;
	reply->peak_kb = watch.peak_kb;
}

/* --- The worker's commands ------------------------------------------------------------------ */

/* Also what a launcher before this one left behind, which are no children of this one. */
static void sweep_all(void)
{
	for (int role = 0; role < ROLES; role++) {
		struct watch watch = {.user = user_of(role)};
		do {
			kill_all_of(watch.user);
			sweep(&watch, false);
		} while (measure(watch.user).processes);
	}
}

static void serve(void)
{
	const pid_t worker = getppid();
	const int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t signals;
	sigemptyset(&signals);
	for (size_t i = 0; i < COUNT(watched); i++)
		sigaddset(&signals, watched[i]);
	block_only(&signals);
	start_failed = mmap(NULL, sizeof(struct reply), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (start_failed == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		die("setting up");
	prepare();
	for (;;) {
		static struct request request;
		struct reply reply = {.reason = DONE};
		memset(&request, 0, sizeof request);
		if (!receive(&request))
			break;
		if (request.message.command == SWEEP)
			sweep_all();
		else if (request.message.command == SERVER)
			server_pid = launch(&request);
		else
			run(&request, &reply, &signals, worker);
		close_all(&request);
		reply.server_alive = server_pid != 0;
		if (send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
			break;
	}
	sweep_all();
}

int main(int argc, char **argv)
{
	clearenv();
	if (geteuid() != 0)
		fail("not setuid root here (nosuid mount or no_new_privs?)", EPERM);
	if (argc == 2 && strcmp(argv[1], "config") == 0) {
		printf("{\"box_root\": \"%s\", \"uid_base\": %d, \"slots\": %d, \"worker_gid\": %d}\n",
		       BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID);
		return 0;
	}
	char *end = "";
	const long wanted = argc == 3 && strcmp(argv[1], "serve") == 0 ? strtol(argv[2], &end, 10) : -1;
	if (*end || wanted < 0 || wanted >= SLOT_COUNT)
		refuse("usage: config | serve SLOT");
	slot = (int)wanted;
	serve();
	return 0;
}
