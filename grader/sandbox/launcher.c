/*
 * Runs one untrusted program as a user of its slot and reports what became of it.
 *
 *   launcher config                      what was compiled in, as JSON on stdout
 *   launcher prepare SLOT                make the slot's directories, where they are missing
 *   launcher clean SLOT                  end the slot's processes, empty its directories
 *   launcher store SLOT ROLE NAME        stdin becomes a read-only file that ROLE can read
 *   launcher run KEY=NUMBER... -- PROGRAM [ARG...]
 *
 * It is setuid root and executable by the worker's group, so it trusts no argument: slots are
 * numbers and not users, directories are compiled in, numbers have ceilings, the environment is
 * made here.  The program's stdin, stdout and stderr are this process's own; the report goes to a
 * descriptor that the program never has.
 *
 *   BOX_ROOT/                root  0711
 *     slot-N.lock            group of the workers, for flock
 *     slot-N/                root  0711
 *       compile run checker  root, group of the role's user, 0750: what `store` gave that role
 *       build                the compile user, group of the workers, 0770: where compilers write
 *
 * config.h is written by build.py: BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID, policies[].
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct policy {
	const char *name;
	struct sock_fprog filter;
};
#include "config.h"

enum { COMPILE, RUN, CHECKER, ROLE_COUNT };
static const char *const role_names[ROLE_COUNT] = {"compile", "run", "checker"};
static const char *const working_directories[ROLE_COUNT] = {"build", "run", "checker"};
static const char *const program_directories[] = {"/usr/bin/", "/usr/local/bin/"};

enum { EXIT_FAILED = 70, TICK_NS = 10000000, FAILURE_FD = 3, STORE_MAX_BYTES = 256 << 20 };
static const long long SWEEP_SECONDS = 10;
typedef long long number;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILED);
}

static _Noreturn void refuse(const char *what)
{
	errno = EINVAL;
	die(what);
}

static uid_t user_of(int slot, int role) { return (uid_t)(UID_BASE + slot * ROLE_COUNT + role); }

static number now_us(void)
{
	struct timespec moment;
	clock_gettime(CLOCK_MONOTONIC, &moment);
	return moment.tv_sec * 1000000LL + moment.tv_nsec / 1000;
}

/* --- Arguments ---------------------------------------------------------------------------- */

static number parse_number(const char *text, number minimum, number maximum)
{
	char *end;
	if (*text < '0' || *text > '9')
		refuse(text);
	errno = 0;
	number value = strtoll(text, &end, 10);
	if (errno || *end || value < minimum || value > maximum)
		refuse(text);
	return value;
}

static int parse_slot(const char *text) { return (int)parse_number(text, 0, SLOT_COUNT - 1); }

static int parse_role(const char *text)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		if (strcmp(text, role_names[role]) == 0)
			return role;
	refuse(text);
}

static const struct policy *parse_policy(const char *text)
{
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
		if (strcmp(text, policies[i].name) == 0)
			return &policies[i];
	refuse(text);
}

static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) < 128;
}

/* A system program, or a file that `store` put into the role's own directory. */
static const char *parse_program(const char *path, int role)
{
	for (size_t i = 0; i < sizeof program_directories / sizeof *program_directories; i++) {
		size_t length = strlen(program_directories[i]);
		if (strncmp(path, program_directories[i], length) == 0 && is_plain_name(path + length))
			return path;
	}
	if (role != COMPILE && strncmp(path, "./", 2) == 0 && is_plain_name(path + 2))
		return path;
	refuse(path);
}

struct request {
	int slot, role, report;
	const struct policy *policy;
	number cpu_ms, wall_ms, memory_kb, data_kb, space_kb, file_bytes, processes;
	char **argv;
};

/* All fields are required, in this order; a space_kb of 0 leaves the address space alone. */
static void parse_request(struct request *request, int argc, char **argv)
{
	const char *values[11];
	static const char *const keys[11] = {"slot", "role", "policy", "report", "cpu_ms", "wall_ms",
		"memory_kb", "data_kb", "space_kb", "file_bytes", "processes"};
	if (argc < 13 || strcmp(argv[11], "--") != 0)
		refuse("run: eleven KEY=VALUE, then --, then the program");
	for (int i = 0; i < 11; i++) {
		size_t length = strlen(keys[i]);
		if (strncmp(argv[i], keys[i], length) != 0 || argv[i][length] != '=')
			refuse(argv[i]);
		values[i] = argv[i] + length + 1;
	}
	const number max_kb = 64LL << 20;
	request->slot = parse_slot(values[0]);
	request->role = parse_role(values[1]);
	request->policy = parse_policy(values[2]);
	request->report = (int)parse_number(values[3], 3, 1 << 20);
	request->cpu_ms = parse_number(values[4], 1, 600000);
	request->wall_ms = parse_number(values[5], 1, 1300000);
	request->memory_kb = parse_number(values[6], 1, max_kb);
	request->data_kb = parse_number(values[7], 1, max_kb);
	request->space_kb = parse_number(values[8], 0, max_kb);
	request->file_bytes = parse_number(values[9], 0, 1LL << 30);
	request->processes = parse_number(values[10], 1, 512);
	request->argv = argv + 12;
	parse_program(request->argv[0], request->role);
}

/* --- Directories -------------------------------------------------------------------------- */

static int open_directory(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		die(name);
	return fd;
}

/* Only root may have been able to put something there. */
static int open_trusted(int parent, const char *name)
{
	struct stat status;
	int fd = open_directory(parent, name);
	if (fstat(fd, &status) != 0)
		die(name);
	if (status.st_uid != 0 || (status.st_mode & 022)) {
		errno = EPERM;
		die(name);
	}
	return fd;
}

static int open_slot(int slot)
{
	char name[32];
	snprintf(name, sizeof name, "slot-%d", slot);
	return open_trusted(open_trusted(AT_FDCWD, BOX_ROOT), name);
}

static void make_directory(int parent, const char *name, uid_t owner, gid_t group, mode_t mode)
{
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		die(name);
	int fd = open_directory(parent, name);
	if (fchown(fd, owner, group) != 0 || fchmod(fd, mode) != 0)
		die(name);
	close(fd);
}

static void prepare(int slot)
{
	char name[32];
	int root = open_trusted(AT_FDCWD, BOX_ROOT);
	snprintf(name, sizeof name, "slot-%d", slot);
	make_directory(root, name, 0, 0, 0711);
	int box = open_trusted(root, name);
	for (int role = 0; role < ROLE_COUNT; role++)
		make_directory(box, role_names[role], 0, (gid_t)user_of(slot, role), 0750);
	make_directory(box, "build", user_of(slot, COMPILE), WORKER_GID, 0770);
	snprintf(name, sizeof name, "slot-%d.lock", slot);
	int lock = openat(root, name, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0 || fchown(lock, 0, WORKER_GID) != 0 || fchmod(lock, 0660) != 0)
		die(name);
}

static void store(int slot, int role, const char *name)
{
	static char buffer[1 << 16];
	ssize_t length;
	number total = 0;
	if (!is_plain_name(name))
		refuse(name);
	int directory = open_trusted(open_slot(slot), role_names[role]);
	int file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (file < 0)
		die(name);
	while ((length = read(STDIN_FILENO, buffer, sizeof buffer)) > 0) {
		total += length;
		if (total > STORE_MAX_BYTES || write(file, buffer, (size_t)length) != length)
			die(name);
	}
	if (length < 0 || fchown(file, 0, (gid_t)user_of(slot, role)) != 0 || fchmod(file, 0550) != 0)
		die(name);
}

/* --- Users and processes ------------------------------------------------------------------ */

static void become(uid_t user)
{
	if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
	    setresuid(user, user, user) != 0)
		die("cannot become the slot's user");
}

struct process {
	number children_ticks, rss_pages;
};

static bool read_process(int proc, const char *pid, struct process *process)
{
	char path[280], text[1024];
	snprintf(path, sizeof path, "%s/stat", pid);
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	const char *after_name = strrchr(text, ')'); /* a name may hold anything but is last with ')' */
	number user_ticks, system_ticks;
	if (!after_name || sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
	    " %lld %lld %*d %*d %*d %*d %*u %*u %lld", &user_ticks, &system_ticks, &process->rss_pages) != 3)
		return false;
	process->children_ticks = user_ticks + system_ticks;
	return true;
}

static number process_cpu_us(pid_t pid)
{
	clockid_t id;
	struct timespec used;
	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &used) != 0)
		return 0;
	return used.tv_sec * 1000000LL + used.tv_nsec / 1000;
}

struct usage {
	number cpu_us, rss_kb, count;
};

/* What all processes of a user use at this moment. */
static struct usage measure(uid_t user)
{
	struct usage sum = {0, 0, 0};
	const number tick_us = 1000000 / sysconf(_SC_CLK_TCK);
	const number page_kb = sysconf(_SC_PAGESIZE) / 1024;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	if (!proc)
		die("/proc");
	while ((entry = readdir(proc))) {
		struct stat status;
		struct process process;
		if (*entry->d_name < '1' || *entry->d_name > '9' ||
		    fstatat(dirfd(proc), entry->d_name, &status, 0) != 0 || status.st_uid != user ||
		    !read_process(dirfd(proc), entry->d_name, &process))
			continue;
		sum.count++;
		sum.rss_kb += process.rss_pages * page_kb;
		sum.cpu_us += process_cpu_us(atoi(entry->d_name)) + process.children_ticks * tick_us;
	}
	closedir(proc);
	return sum;
}


/* A helper that has become the user signals all it may. A bomb may hit it first: call again. */
static void kill_all_of(uid_t user)
{
	pid_t helper = fork();
	if (helper < 0)
		die("fork");
	if (helper == 0) {
		become(user); /* all three ids: as root, or with root left in one, -1 means everyone */
		kill(-1, SIGKILL);
		_exit(0);
	}
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
}

static void end_processes_of(uid_t user)
{
	const number deadline = now_us() + SWEEP_SECONDS * 1000000;
	while (measure(user).count > 0) {
		if (now_us() > deadline) {
			errno = EBUSY;
			die("processes of the slot survive SIGKILL");
		}
		kill_all_of(user);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* What the slot's users could write is emptied by themselves, through `run`; this is root's. */
static void clean(int slot)
{
	int box = open_slot(slot);
	for (int role = 0; role < ROLE_COUNT; role++) {
		end_processes_of(user_of(slot, role));
		DIR *given = fdopendir(open_trusted(box, role_names[role]));
		for (struct dirent *entry; given && (entry = readdir(given));)
			if (is_plain_name(entry->d_name) && unlinkat(dirfd(given), entry->d_name, 0) != 0)
				die(entry->d_name);
		closedir(given);
	}
}

/* --- The program -------------------------------------------------------------------------- */

static _Noreturn void fail_start(const char *step)
{
	dprintf(FAILURE_FD, "%s: %s", step, strerror(errno));
	_exit(EXIT_FAILED);
}

static void limit(int resource, number value)
{
	struct rlimit bound;
	if (getrlimit(resource, &bound) != 0)
		fail_start("getrlimit");
	if (bound.rlim_max == RLIM_INFINITY || bound.rlim_max > (rlim_t)value)
		bound.rlim_max = (rlim_t)value;
	bound.rlim_cur = bound.rlim_max;
	if (setrlimit(resource, &bound) != 0)
		fail_start("setrlimit");
}

static void set_limits(const struct request *request)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, (request->cpu_ms + 999) / 1000 + 1); /* whole seconds: only a guard */
	limit(RLIMIT_FSIZE, request->file_bytes);
	limit(RLIMIT_DATA, request->data_kb * 1024);
	limit(RLIMIT_STACK, request->memory_kb * 1024);
	limit(RLIMIT_NPROC, request->processes);
	limit(RLIMIT_NOFILE, 256);
	limit(RLIMIT_MEMLOCK, 0);
	limit(RLIMIT_MSGQUEUE, 0);
	if (request->space_kb)
		limit(RLIMIT_AS, request->space_kb * 1024);
}

static void reset_signals(void)
{
	sigset_t none;
	for (int number_of = 1; number_of < NSIG; number_of++)
		signal(number_of, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void expect_to_be_killed_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1000", 4) != 4)
		fail_start("oom_score_adj");
}

static _Noreturn void start(const struct request *request, int box, int failure, pid_t launcher)
{
	char temporary[4096];
	char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
		"HOME=/nonexistent", temporary, NULL};
	uid_t user = user_of(request->slot, request->role);

	snprintf(temporary, sizeof temporary, "TMPDIR=%s/slot-%d/build", BOX_ROOT, request->slot);
	if (dup2(failure, FAILURE_FD) < 0 || fcntl(FAILURE_FD, F_SETFD, FD_CLOEXEC) != 0)
		_exit(EXIT_FAILED);
	if (setsid() < 0 || fchdir(box) != 0)
		fail_start("working directory");
	if (syscall(SYS_close_range, FAILURE_FD + 1, ~0U, 0) != 0)
		fail_start("close_range");
	expect_to_be_killed_first();
	umask(022);
	set_limits(request);
	if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
	    setresuid(user, user, user) != 0)
		fail_start("cannot become the slot's user");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != launcher)
		fail_start("the launcher is gone");
	reset_signals();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &request->policy->filter) != 0)
		fail_start("seccomp");
	execve(request->argv[0], request->argv, environment);
	fail_start(request->argv[0]);
}

/* --- The watch ---------------------------------------------------------------------------- */

struct watch {
	pid_t program;
	int status;
	bool ended;
	const char *reason; /* why the launcher ended it */
	number reaped_cpu_us, peak_kb;
};

/* Collects the program and the orphans that became ours; false when no child is left. */
static bool reap(struct watch *watch, int options)
{
	struct rusage used;
	int status;
	pid_t pid;
	while ((pid = wait4(-1, &status, options, &used)) > 0) {
		watch->reaped_cpu_us += (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL +
			used.ru_utime.tv_usec + used.ru_stime.tv_usec;
		if (used.ru_maxrss > watch->peak_kb)
			watch->peak_kb = used.ru_maxrss;
		if (pid == watch->program) {
			watch->ended = true;
			watch->status = status;
		}
	}
	return pid == 0;
}

static void wait_for_tick(struct watch *watch, const sigset_t *signals, pid_t worker)
{
	const struct timespec tick = {0, TICK_NS};
	int signal_number = sigtimedwait(signals, NULL, &tick);
	if ((signal_number > 0 && signal_number != SIGCHLD) || getppid() != worker)
		watch->reason = "aborted";
}

static void watch_until_end(struct watch *watch, const struct request *request,
			    const sigset_t *signals, pid_t worker, number deadline)
{
	uid_t user = user_of(request->slot, request->role);
	while (!watch->reason) {
		wait_for_tick(watch, signals, worker);
		reap(watch, WNOHANG);
		if (watch->ended || watch->reason)
			return;
		struct usage usage = measure(user);
		if (usage.rss_kb > watch->peak_kb)
			watch->peak_kb = usage.rss_kb;
		if (usage.cpu_us + watch->reaped_cpu_us > request->cpu_ms * 1000)
			watch->reason = "cpu";
		else if (usage.rss_kb > request->memory_kb)
			watch->reason = "memory";
		else if (now_us() > deadline)
			watch->reason = "wall";
	}
}

/* Ends what is left; as the subreaper this process inherits every orphan, so none is missed. */
static void sweep(struct watch *watch, uid_t user)
{
	const number deadline = now_us() + SWEEP_SECONDS * 1000000;
	while (reap(watch, WNOHANG)) {
		if (now_us() > deadline) {
			errno = EBUSY;
			die("processes of the slot survive SIGKILL");
		}
		kill_all_of(user);
	}
}

static void block_signals(sigset_t *signals)
{
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigemptyset(signals);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		signal(wanted[i], SIG_DFL); /* an ignored signal is never delivered to sigtimedwait */
		sigaddset(signals, wanted[i]);
	}
	sigprocmask(SIG_BLOCK, signals, NULL);
}

/* Returns when the program runs; exits with its reason when it could not be started. */
static pid_t launch(const struct request *request)
{
	char reason[512];
	int failure[2];
	pid_t launcher = getpid();
	int box = open_directory(open_slot(request->slot), working_directories[request->role]);
	if (pipe2(failure, O_CLOEXEC) != 0)
		die("pipe");
	pid_t program = fork();
	if (program < 0)
		die("fork");
	if (program == 0)
		start(request, box, failure[1], launcher);
	close(failure[1]);
	ssize_t length = read(failure[0], reason, sizeof reason - 1);
	if (length != 0) {
		reason[length > 0 ? length : 0] = '\0';
		fprintf(stderr, "launcher: cannot start the program: %s\n", reason);
		exit(EXIT_FAILED);
	}
	return program;
}

static void run(int argc, char **argv)
{
	struct request request;
	struct watch watch = {0};
	sigset_t signals;
	pid_t worker = getppid();

	parse_request(&request, argc, argv);
	block_signals(&signals);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		die("subreaper");
	watch.program = launch(&request);
	number started = now_us();
	watch_until_end(&watch, &request, &signals, worker, started + request.wall_ms * 1000);
	number wall_us = now_us() - started;
	sweep(&watch, user_of(request.slot, request.role));
	dprintf(request.report, "{\"reason\": \"%s\", \"exit_code\": %d, \"signal\": %d, "
		"\"cpu_us\": %lld, \"wall_us\": %lld, \"peak_kb\": %lld}\n",
		watch.reason ? watch.reason : "ended",
		WIFEXITED(watch.status) ? WEXITSTATUS(watch.status) : 0,
		WIFSIGNALED(watch.status) ? WTERMSIG(watch.status) : 0,
		watch.reaped_cpu_us, wall_us, watch.peak_kb);
}

/* ------------------------------------------------------------------------------------------ */

static void config(void)
{
	printf("{\"box_root\": \"%s\", \"uid_base\": %d, \"slots\": %d, \"worker_gid\": %d}\n",
	       BOX_ROOT, UID_BASE, SLOT_COUNT, WORKER_GID);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	clearenv();
	if (strcmp(command, "config") == 0 && argc == 2) {
		config();
		return 0;
	}
	if (geteuid() != 0) {
		errno = EPERM;
		die("not setuid root here (nosuid mount, no_new_privs, or a wrong installation)");
	}
	if (strcmp(command, "prepare") == 0 && argc == 3)
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
