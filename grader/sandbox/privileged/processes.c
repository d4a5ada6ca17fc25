/* Processes of the box's users: counted, killed and reaped. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "launcher.h"

enum { SWEEP_US = 10000000 };

int64_t reaped_faults, reaped_system_ms;

/*
 * When memory runs out, the kernel ends programs of boxes first.  Without CAP_SYS_RESOURCE here they
 * can lower their scores again.  A zombie has its last one.
 */
bool lowered_score(pid_t pid)
{
	char path[64], score[16];
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
	return read_text(path, score, sizeof score) > 0 && strcmp(score, OOM_SCORE "\n") != 0;
}

/*
 * Adds the usage of one process; nothing if it has gone, or if it is a zombie with another parent.
 * A process whose first thread has ended looks like a zombie: another thread then has its memory.
 */
static void add_process(pid_t pid, uid_t user, void *result)
{
	struct usage *sum = result;
	char path[300], text[1024], state = 'Z';
	pid_t parent = 0;
	/* CPU time of the children it waited for; resident pages. */
	long long user_ticks = 0, system_ticks = 0, pages = 0;
	clockid_t clock;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	for (struct dirent *entry; threads && !pages && (entry = readdir(threads));) {
		snprintf(path, sizeof path, "/proc/%d/task/%s/stat", pid, entry->d_name);
		read_text(path, text, sizeof text);
		const char *end = strrchr(text, ')'); /* of the name, which may contain any character */
		sscanf(end ? end + 1 : "", " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u"
		       " %lld %lld %*d %*d %*d %*d %*u %*u %lld",
		       &state, &parent, &user_ticks, &system_ticks, &pages);
	}
	if (threads)
		closedir(threads);
	if (!parent || (state == 'Z' && parent != launcher))
		return;
	(void)user;
	sum->processes++;
	sum->lowered_scores += lowered_score(pid);
	sum->rss_kb += pages * (sysconf(_SC_PAGESIZE) / 1024);
	sum->cpu_us += (user_ticks + system_ticks) * (1000000 / sysconf(_SC_CLK_TCK)) +
		(clock_getcpuclockid(pid, &clock) == 0 ? microseconds(clock) : 0);
}

/* Visits all processes of the box except the fork server. */
void each_process(void (*visit)(pid_t pid, uid_t user, void *result), void *result)
{
	struct stat status;
	DIR *proc = opendir("/proc");
	if (!proc)
		die("/proc");
	for (struct dirent *entry; (entry = readdir(proc));) {
		const pid_t pid = atoi(entry->d_name);
		if (pid > 0 && pid != server &&
		    fstatat(dirfd(proc), entry->d_name, &status, 0) == 0 &&
		    status.st_uid >= user_of(COMPILE) && status.st_uid <= user_of(CHECKER))
			visit(pid, status.st_uid, result);
	}
	closedir(proc);
}

struct usage measure(void)
{
	struct usage sum = {0};
	each_process(add_process, &sum);
	return sum;
}

bool become(uid_t user, uid_t real)
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
bool reap(struct reply *reply)
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
		reaped_faults += used.ru_minflt;
		reaped_system_ms += used.ru_stime.tv_sec * 1000LL + used.ru_stime.tv_usec / 1000;
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
void sweep(struct reply *reply, bool all)
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
