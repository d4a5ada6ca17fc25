/* Watches a run and ends it at a limit. */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>
#include "launcher.h"

enum { TICK_NS = 10000000 };

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

struct reply run(struct request *request)
{
	const int calls = request->command == WATCH ? SERVER_CALLS : PROGRAM_CALLS;
	const struct timespec tick = {0, TICK_NS};
	const int64_t started_us = microseconds(CLOCK_MONOTONIC);
	struct reply reply = {.reason = RUNNING};
	program = request->command == WATCH ? (pid_t)request->number[PID] : launch(request);
	begin_answering(request);
	close_received(); /* a forked process waits for this */
	while (reply.reason == RUNNING) {
		await(calls, user_of((int)request->role), &tick);
		reap(&reply);
		reply.wall_us = microseconds(CLOCK_MONOTONIC) - started_us;
		if (reply.reason == RUNNING)
			check_limits(&reply, request->number);
	}
	sweep(&reply, false);
	end_answering();
	if (*start_error)
		fail("cannot start", start_error);
	return reply;
}
