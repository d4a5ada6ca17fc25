/* Watches a run and ends it at a limit. */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>
#include "launcher.h"

enum { TICK_NS = 10000000, SHORT_TICK_NS = 1000000 };

/* Returns the usage, also if it is within all limits. */
static struct usage check_limits(struct reply *reply, const struct request *request,
				 struct machine *least)
{
	const int64_t *limit = request->number;
	const struct usage usage = measure();
	reply->peak_kb = usage.rss_kb > reply->peak_kb ? usage.rss_kb : reply->peak_kb;
	if (usage.cpu_us + reply->cpu_us > limit[CPU_MS] * 1000)
		reply->reason = BY_CPU;
	else if (usage.rss_kb > limit[MEMORY_KB])
		reply->reason = BY_MEMORY;
	else if (reply->wall_us > limit[WALL_MS] * 1000 || getppid() != worker)
		reply->reason = BY_WALL; /* the worker has gone */
	else if (usage.tampered) {
		reply->reason = ENDED;
		reply->status = SIGKILL;
	} else if (hides_memory(request, &usage, least))
		reply->reason = SUSPECTED;
	return usage;
}

/* Whether a program that grows as between the last two checks may reach its limit before the next. */
static bool grows_fast(int64_t before_kb, int64_t now_kb, int64_t limit_kb)
{
	return now_kb > before_kb && now_kb + 2 * (now_kb - before_kb) > limit_kb;
}

struct reply run(struct request *request)
{
	const int calls = request->command == WATCH ? SERVER_CALLS : PROGRAM_CALLS;
	struct timespec tick = {0, TICK_NS};
	const int64_t started_us = microseconds(CLOCK_MONOTONIC);
	const int64_t limit_kb = request->number[MEMORY_KB];
	struct reply reply = {.reason = RUNNING};
	int64_t rss_kb = 0;
	reaped_faults = 0;
	program = request->command == WATCH ? (pid_t)request->number[PID] : launch(request);
	begin_answering(request);
	close_received(); /* a forked process waits for this */
	struct machine least = read_machine();
	const int64_t oom_kills = count_oom_kills();
	while (reply.reason == RUNNING) {
		await(calls, user_of((int)request->role), &tick);
		reap(&reply);
		reply.wall_us = microseconds(CLOCK_MONOTONIC) - started_us;
		if (reply.reason != RUNNING)
			break;
		const struct usage usage = check_limits(&reply, request, &least);
		tick.tv_nsec = grows_fast(rss_kb, usage.rss_kb, limit_kb) ? SHORT_TICK_NS : TICK_NS;
		rss_kb = usage.rss_kb;
	}
	const bool failed = reply.reason == ENDED && reply.status != 0;
	sweep(&reply, false);
	end_answering();
	if (*start_error)
		fail("cannot start", start_error);
	if (failed && count_oom_kills() > oom_kills)
		blame_platform("the kernel ended a program for lack of memory");
	if (reply.reason == SUSPECTED) {
		if (!hid_memory(&reply, limit_kb))
			blame_platform("memory of the kernel grew during a run, not by its program");
		reply.reason = BY_MEMORY;
	}
	return reply;
}
