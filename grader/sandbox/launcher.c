/*
 * Runs one untrusted program as a user of its slot and reports what became of it.
 *
 *   launcher config                  what was compiled in, as JSON
 *   launcher prepare SLOT            make the slot's directories, where they are missing
 *   launcher clean SLOT              end the slot's processes, remove what `store` stored
 *   launcher store SLOT ROLE NAME    stdin becomes a read-only file for the user of ROLE
 *   launcher run SLOT ROLE POLICY NUMBER... PROGRAM [ARGUMENT...]
 *
 * It is setuid root and executable by the worker's group, so it trusts no argument: slots are
 * numbers and not users, directories are compiled in, numbers have ceilings, the environment is
 * made here.  The program's stdin, stdout and stderr are this process's own; the report goes to
 * a descriptor that the program never has.
 *
 *   BOX_ROOT/slot-N/               root 0711
 *     compile/ run/ checker/       root 0750, group of the role's user: what it was given
 *     build/                       the compile user 0770, group of the workers
 *
 * config.h comes from build.py: BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID, EXEC_MARK, policies[],
 * filters[].
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "config.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { COMPILE, RUN, CHECKER, ROLE_COUNT };
enum { EXIT_FAILED = 70, TICK_NS = 10000000, SWEEP_US = 10000000, FAILURE_FD = 3 };
typedef long long number;

static const char *const roles[ROLE_COUNT] = {"compile", "run", "checker"};
static const int watched_signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
static const char *const program_directories[] = {"/usr/bin/", "/usr/local/bin/"};

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "launcher: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILED);
}

static _Noreturn void die(const char *what) { fail(what, errno); }
static _Noreturn void refuse(const char *what) { fail(what, EINVAL); }

static uid_t user_of(int slot, int role) { return (uid_t)(UID_BASE + slot * ROLE_COUNT + role); }

static number now_us(void)
{
	struct timespec moment;
	clock_gettime(CLOCK_MONOTONIC, &moment);
	return moment.tv_sec * 1000000LL + moment.tv_nsec / 1000;
}

/* --- Arguments: every one is believed to be hostile ---------------------------------------- */

/* In the order of the arguments; a SPACE_KB of 0 leaves the address space alone. */
enum { REPORT, CPU_MS, WALL_MS, MEMORY_KB, DATA_KB, SPACE_KB, FILE_BYTES, PROCESSES, NUMBERS };
static const struct { number least, most; } bounds[NUMBERS] = {
	[REPORT] = {3, 1 << 20}, [CPU_MS] = {1, 600000}, [WALL_MS] = {1, 1300000},
	[MEMORY_KB] = {1, 64 << 20}, [DATA_KB] = {1, 64 << 20}, [SPACE_KB] = {0, 64 << 20},
	[FILE_BYTES] = {0, 1 << 30}, [PROCESSES] = {1, 512},
};

struct request {
	int slot, role;
	uid_t user;
	struct sock_fprog filter;
	number limit[NUMBERS];
	char **argv;
};

static number parse_number(const char *text, number least, number most)
{
	char *end;
	errno = 0;
	number value = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *end || value < least || value > most)
		refuse(text);
	return value;
}

static int parse_slot(const char *text) { return (int)parse_number(text, 0, SLOT_COUNT - 1); }

static size_t find_name(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	refuse(text);
}

static int parse_role(const char *text) { return (int)find_name(text, roles, ROLE_COUNT); }

static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) < 128;
}

/* A system program, or a file that `store` put into the role's own directory. */
static void check_program(const char *path, int role)
{
	for (size_t i = 0; i < COUNT(program_directories); i++) {
		size_t length = strlen(program_directories[i]);
		if (!strncmp(path, program_directories[i], length) && is_plain_name(path + length))
			return;
	}
	if (role == COMPILE || strncmp(path, "./", 2) != 0 || !is_plain_name(path + 2))
		refuse(path);
}

static struct request parse_request(int argc, char **argv)
{
	struct request request = {0};
	if (argc < 3 + NUMBERS + 1)
		refuse("run: arguments are missing");
	request.slot = parse_slot(argv[0]);
	request.role = parse_role(argv[1]);
	request.user = user_of(request.slot, request.role);
	request.filter = filters[find_name(argv[2], policies, COUNT(policies))];
	for (int i = 0; i < NUMBERS; i++)
		request.limit[i] = parse_number(argv[3 + i], bounds[i].least, bounds[i].most);
	request.argv = argv + 3 + NUMBERS;
	check_program(request.argv[0], request.role);
	return request;
}

/* --- Directories: only root may have been able to put something there ---------------------- */

static int open_directory(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		die(name);
	return fd;
}

static int open_trusted(int parent, const char *name)
{
	struct stat status;
	int fd = open_directory(parent, name);
	if (fstat(fd, &status) != 0 || status.st_uid != 0 || (status.st_mode & 022))
		fail(name, EPERM);
	return fd;
}

static int open_slot(int slot)
{
	char name[32];
	snprintf(name, sizeof name, "slot-%d", slot);
	return open_trusted(open_trusted(AT_FDCWD, BOX_ROOT), name);
}

static void own(int fd, uid_t user, gid_t group, mode_t mode, const char *name)
{
	if (fd < 0 || fchown(fd, user, group) != 0 || fchmod(fd, mode) != 0)
		die(name);
	close(fd);
}

static void make_directory(int parent, const char *name, uid_t user, gid_t group, mode_t mode)
{
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		die(name);
	own(open_directory(parent, name), user, group, mode, name);
}

static void prepare(int slot)
{
	char name[32];
	int root = open_trusted(AT_FDCWD, BOX_ROOT);
	snprintf(name, sizeof name, "slot-%d", slot);
	make_directory(root, name, 0, 0, 0711);
	int box = open_trusted(root, name);
	for (int role = 0; role < ROLE_COUNT; role++)
		make_directory(box, roles[role], 0, user_of(slot, role), 0750);
	make_directory(box, "build", user_of(slot, COMPILE), WORKER_GID, 0770);
}

static void store(int slot, int role, const char *name)
{
	static char buffer[1 << 16];
	ssize_t length;
	if (!is_plain_name(name))
		refuse(name);
	int directory = open_trusted(open_slot(slot), roles[role]);
	int file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		die(name);
	while ((length = read(STDIN_FILENO, buffer, sizeof buffer)) > 0)
		if (write(file, buffer, (size_t)length) != length)
			die(name);
	if (length < 0)
		die("stdin");
	own(file, 0, user_of(slot, role), 0550, name);
}

/* --- Processes of a user -------------------------------------------------------------------- */

struct usage {
	number processes, cpu_us, rss_kb;
};

/* Adds one process that is not yet dead; one that has just gone adds nothing. */
static void add_process(struct usage *sum, int proc, const char *pid)
{
	char path[280], text[1024], state;
	number user_ticks, system_ticks, pages; /* of children that were waited for; in memory */
	clockid_t clock;
	struct timespec used = {0, 0};

	snprintf(path, sizeof path, "%s/stat", pid);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	const char *fields = strrchr(text, ')'); /* the name may hold anything, also a ')' */
	if (!fields || sscanf(fields + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
			" %lld %lld %*d %*d %*d %*d %*u %*u %lld",
			&state, &user_ticks, &system_ticks, &pages) != 4 || state == 'Z')
		return;
	if (clock_getcpuclockid(atoi(pid), &clock) == 0)
		clock_gettime(clock, &used);
	sum->processes++;
	sum->rss_kb += pages * (sysconf(_SC_PAGESIZE) / 1024);
	sum->cpu_us += used.tv_sec * 1000000LL + used.tv_nsec / 1000 +
		(user_ticks + system_ticks) * (1000000 / sysconf(_SC_CLK_TCK));
}

static struct usage measure(uid_t user)
{
	struct usage sum = {0, 0, 0};
	struct dirent *entry;
	struct stat status;
	DIR *proc = opendir("/proc");
	if (!proc)
		die("/proc");
	while ((entry = readdir(proc)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
		    fstatat(dirfd(proc), entry->d_name, &status, 0) == 0 && status.st_uid == user)
			add_process(&sum, dirfd(proc), entry->d_name);
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

static void clean(int slot)
{
	const number deadline = now_us() + SWEEP_US;
	int box = open_slot(slot);
	for (int role = 0; role < ROLE_COUNT; role++) {
		do {
			if (now_us() > deadline)
				fail("processes of the slot survive SIGKILL", EBUSY);
			kill_all_of(user_of(slot, role));
		} while (measure(user_of(slot, role)).processes > 0);
		DIR *given = fdopendir(open_trusted(box, roles[role]));
		if (!given)
			die(roles[role]);
		for (struct dirent *entry; (entry = readdir(given));)
			if (is_plain_name(entry->d_name) && unlinkat(dirfd(given), entry->d_name, 0) != 0)
				die(entry->d_name);
		closedir(given);
	}
}

/* --- The program ---------------------------------------------------------------------------- */

static _Noreturn void fail_start(const char *step)
{
	dprintf(FAILURE_FD, "%s: %s", step, strerror(errno));
	_exit(EXIT_FAILED);
}

/* Hard and soft alike, and never above what this process itself was given. */
static void limit(int resource, number value)
{
	struct rlimit bound;
	if (getrlimit(resource, &bound) != 0)
		fail_start("getrlimit");
	if (bound.rlim_max > (rlim_t)value)
		bound.rlim_max = (rlim_t)value;
	bound.rlim_cur = bound.rlim_max;
	if (setrlimit(resource, &bound) != 0)
		fail_start("setrlimit");
}

static void set_limits(const number *limits)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_MEMLOCK, 0);
	limit(RLIMIT_MSGQUEUE, 0);
	limit(RLIMIT_NOFILE, 256);
	limit(RLIMIT_CPU, (limits[CPU_MS] + 999) / 1000 + 1); /* whole seconds: only a guard */
	limit(RLIMIT_FSIZE, limits[FILE_BYTES]);
	limit(RLIMIT_NPROC, limits[PROCESSES]);
	limit(RLIMIT_STACK, (number)RLIM_INFINITY); /* else each thread reserves that much as data */
	limit(RLIMIT_DATA, limits[DATA_KB] * 1024);
	if (limits[SPACE_KB])
		limit(RLIMIT_AS, limits[SPACE_KB] * 1024);
}

/*
 * A filter cannot see which program execve names, but it can compare pointers: where the policy
 * holds EXEC_MARK, only an argv at an address that nobody can guess is let through, and that is
 * ours.
 */
static char **seal_exec(char **argv, const struct sock_fprog *filter)
{
	unsigned long long secret;
	size_t count = 1;
	while (argv[count - 1])
		count++;
	if (getrandom(&secret, sizeof secret, 0) != sizeof secret)
		fail_start("getrandom");
	secret = (secret & 0x3ffffffff000) | 0x100000000000;
	char **sealed = mmap((void *)secret, count * sizeof *argv, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (sealed == MAP_FAILED)
		fail_start("mmap");
	for (size_t i = 0; i < filter->len; i++)
		if (filter->filter[i].k == (unsigned)(EXEC_MARK >> 32))
			filter->filter[i].k = (unsigned)(secret >> 32);
		else if (filter->filter[i].k == (unsigned)EXEC_MARK)
			filter->filter[i].k = (unsigned)secret;
	return memcpy(sealed, argv, count * sizeof *argv);
}

/* Gives every signal its default meaning and blocks only these. */
static void block_only(const sigset_t *signals)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, signals, NULL);
}

static _Noreturn void start(const struct request *request, int box, int failure, pid_t launcher)
{
	sigset_t none;
	char temporary[4096];
	char *environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
		"HOME=/nonexistent", temporary, NULL};

	snprintf(temporary, sizeof temporary, "TMPDIR=%s/slot-%d/build", BOX_ROOT, request->slot);
	if (dup2(failure, FAILURE_FD) < 0 || fcntl(FAILURE_FD, F_SETFD, FD_CLOEXEC) != 0)
		_exit(EXIT_FAILED);
	int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (setsid() < 0 || fchdir(box) != 0 || write(score, "1000", 4) != 4)
		fail_start("setting up");
	if (syscall(SYS_close_range, FAILURE_FD + 1, ~0U, 0) != 0)
		fail_start("close_range");
	umask(022);
	sigemptyset(&none);
	block_only(&none);
	char **argv = seal_exec(request->argv, &request->filter);
	set_limits(request->limit);
	if (!become(request->user))
		fail_start("becoming the slot's user");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher)
		fail_start("the launcher is gone");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &request->filter) != 0)
		fail_start("seccomp");
	execve(argv[0], argv, environment);
	fail_start(argv[0]);
}

/* Gives the end of a pipe on which a program that could not be started says why. */
static int launch(const struct request *request, pid_t *program)
{
	int failure[2];
	pid_t launcher = getpid();
	const char *directory = request->role == COMPILE ? "build" : roles[request->role];
	int box = open_directory(open_slot(request->slot), directory);
	if (pipe2(failure, O_CLOEXEC) != 0)
		die("pipe");
	*program = fork();
	if (*program < 0)
		die("fork");
	if (*program == 0)
		start(request, box, failure[1], launcher);
	close(failure[1]);
	return failure[0];
}

/* --- The watch ------------------------------------------------------------------------------ */

struct watch {
	pid_t program, worker;
	int status;
	const char *reason; /* who ended the program; NULL while it runs */
	number reaped_cpu_us, peak_kb;
};

/* Collects the program and the orphans that became ours; false when no child is left. */
static bool reap(struct watch *watch)
{
	struct rusage used;
	int status;
	pid_t pid;
	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
		watch->reaped_cpu_us += (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL +
			used.ru_utime.tv_usec + used.ru_stime.tv_usec;
		if (used.ru_maxrss > watch->peak_kb)
			watch->peak_kb = used.ru_maxrss;
		if (pid == watch->program) {
			watch->status = status;
			watch->reason = watch->reason ? watch->reason : "ended";
		}
	}
	return pid == 0;
}

static void check_limits(struct watch *watch, const struct request *request, number wall_us)
{
	struct usage usage = measure(request->user);
	if (usage.rss_kb > watch->peak_kb)
		watch->peak_kb = usage.rss_kb;
	if (usage.cpu_us + watch->reaped_cpu_us > request->limit[CPU_MS] * 1000)
		watch->reason = "cpu";
	else if (usage.rss_kb > request->limit[MEMORY_KB])
		watch->reason = "memory";
	else if (wall_us > request->limit[WALL_MS] * 1000)
		watch->reason = "wall";
}

/* Until the program ends or has to be ended; returns the microseconds that took. */
static number watch_program(struct watch *watch, const struct request *request,
			    const sigset_t *signals)
{
	const struct timespec tick = {0, TICK_NS};
	const number started = now_us();
	while (!watch->reason) {
		int caught = sigtimedwait(signals, NULL, &tick);
		reap(watch);
		if (!watch->reason && ((caught > 0 && caught != SIGCHLD) || getppid() != watch->worker))
			watch->reason = "aborted";
		if (!watch->reason)
			check_limits(watch, request, now_us() - started);
	}
	return now_us() - started;
}

/* As the subreaper this process inherits every orphan, so none is missed. */
static void sweep(struct watch *watch, uid_t user)
{
	const number deadline = now_us() + SWEEP_US;
	for (; reap(watch); kill_all_of(user))
		if (now_us() > deadline)
			fail("processes of the slot survive SIGKILL", EBUSY);
}

static void run(int argc, char **argv)
{
	struct request request = parse_request(argc, argv);
	struct watch watch = {.worker = getppid()};
	char not_started[512] = "";
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < COUNT(watched_signals); i++)
		sigaddset(&signals, watched_signals[i]);
	block_only(&signals);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		die("subreaper");
	int failure = launch(&request, &watch.program);
	number wall_us = watch_program(&watch, &request, &signals);
	sweep(&watch, request.user);
	if (read(failure, not_started, sizeof not_started - 1) != 0) {
		fprintf(stderr, "launcher: cannot start the program: %s\n", not_started);
		exit(EXIT_FAILED);
	}
	dprintf((int)request.limit[REPORT], "{\"reason\": \"%s\", \"exit_code\": %d, \"signal\": %d, "
		"\"cpu_us\": %lld, \"wall_us\": %lld, \"peak_kb\": %lld}\n", watch.reason,
		WIFEXITED(watch.status) ? WEXITSTATUS(watch.status) : 0,
		WIFSIGNALED(watch.status) ? WTERMSIG(watch.status) : 0,
		watch.reaped_cpu_us, wall_us, watch.peak_kb);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	clearenv();
	if (geteuid() != 0)
		fail("not setuid root here (nosuid mount or no_new_privs?)", EPERM);
	if (strcmp(command, "config") == 0 && argc == 2)
		printf("{\"box_root\": \"%s\", \"uid_base\": %d, \"slots\": %d, \"worker_gid\": %d}\n",
		       BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID);
	else if (strcmp(command, "prepare") == 0 && argc == 3)
		prepare(parse_slot(argv[2]));
	else if (strcmp(command, "clean") == 0 && argc == 3)
		clean(parse_slot(argv[2]));
	else if (strcmp(command, "store") == 0 && argc == 5)
		store(parse_slot(argv[2]), parse_role(argv[3]), argv[4]);
	else if (strcmp(command, "run") == 0)
		run(argc - 2, argv + 2);
	else
		refuse("usage: config | prepare SLOT | clean SLOT | store SLOT ROLE NAME | run ...");
	return 0;
}
