/*
 * Runs untrusted programs as the users of one box and reports their outcome.
 *
 *   launcher config       prints the compiled-in settings as JSON
 *   launcher serve BOX    creates the directories of the box, then handles requests on stdin, a
 *                         SEQPACKET socket of the worker: a message in, a reply out, see below.
 *                         stdout is the lock of the box, which is released when this process ends
 *
 * It is setuid root and executable by the worker's group, so it validates every part of a message:
 * a box is a number and not a user, directories are compiled in, numbers are bounded, and the
 * environment is created here.  When a step of its own fails, it sends a last reply with the error
 * and exits.  It exits when its worker has exited or closed the socket, also during a run, and
 * ignores every signal but SIGKILL.
 *
 *   BOX_ROOT/slot-N/                 root 0711
 *     compile/ run/ checker/         worker 2750, group of the role's user: input of the role
 *     build/ scratch/ feedback/      worker 0770, group of the role's user: its working directory
 *     trash/                         root 0700: used directories, until emptier.c has removed them
 *
 * A SERVER is a program that forks copies of itself, and is as untrusted as they are.  On request
 * of the worker it forks a process that blocks on a pipe; the worker sends its pid in WATCH with
 * the other end of the pipe.  Closing that end here starts the process, so it never runs
 * unwatched.
 *
 * A box has four users: one per role, and one without programs, which sends the signals.
 * build.py writes config.h (BOX_ROOT, UID_BASE, BOX_COUNT, WORKER_GID, USE_LANDLOCK, OWN_MACHINE,
 * SHARED_PARENTS, EXEC_MARK, POLICY_COUNT, CONFIG) and policies.h (the filters, policies[]).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "launcher.h"

int box = -1;
pid_t worker, launcher, program, server;
sigset_t all_signals;

_Noreturn void fail(const char *what, const char *why)
{
	struct reply reply = {0};
	snprintf(reply.error, sizeof reply.error, "%s: %s", what, why);
	if (box < 0 || send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "launcher: %s\n", reply.error);
	exit(EXIT_FAILED);
}

_Noreturn void die(const char *what) { fail(what, strerror(errno)); }
_Noreturn void refuse(const char *what) { fail("refused", what); }
uid_t user_of(int role) { return (uid_t)(UID_BASE + box * USERS + role); }

int64_t microseconds(clockid_t clock)
{
	struct timespec time = {0};
	return clock_gettime(clock, &time) ? 0 : time.tv_sec * 1000000LL + time.tv_nsec / 1000;
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
	prepare_opens();
	check_caller();
	find_oom_counter();
	prepare();
	sweep(&reply, true);
	renew_all();
	while (receive(&request)) {
		reply = (struct reply){.reason = DONE};
		const bool watched = request.command == START || request.command == WATCH;
		if (!watched)
			sweep(&reply, true);
		if (request.command == CLEAN)
			clean();
		if (request.command <= SERVER)
			prepare_work(&request);
		if (watched)
			reply = run(&request);
		if (request.command == SERVER)
			server = launch(&request);
		close_received();
		reply.server_alive = server != 0;
		if (send(CONTROL_FD, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
			break;
	}
	sweep(&reply, true);
	finish_emptying(SOON_MS);
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
