/* Watches a run and ends it at a limit. */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "launcher.h"

enum { TICK_NS = 10000000, SHORT_TICK_NS = 1000000 };

/* The least that the machine used during the run. */
static struct machine least;
static int64_t before_kb; /* resident at the check before */

static void end_by_signal(struct reply *reply)
{
	reply->reason = ENDED;
	reply->status = SIGKILL;
}

/* Returns the time to the next check: short if memory may reach its limit before a longer one. */
static long check_limits(struct reply *reply, const struct request *request)
{
	const int64_t *limit = request->number;
	const struct usage usage = measure();
	const int64_t growth_kb = usage.rss_kb - before_kb;
	before_kb = usage.rss_kb;
	reply->peak_kb = usage.rss_kb > reply->peak_kb ? usage.rss_kb : reply->peak_kb;
	if (usage.cpu_us + reply->cpu_us > limit[CPU_MS] * 1000)
		reply->reason = BY_CPU;
	else if (usage.rss_kb > limit[MEMORY_KB])
		reply->reason = BY_MEMORY;
	else if (reply->wall_us > limit[WALL_MS] * 1000 || worker_has_gone())
		reply->reason = BY_WALL;
	else if (usage.lowered_scores)
		end_by_signal(reply);
	else if (hides_memory(request, &usage, &least))
		reply->reason = SUSPECTED;
	return growth_kb > (limit[MEMORY_KB] - usage.rss_kb) / 2 ? SHORT_TICK_NS : TICK_NS;
}

struct reply run(struct request *request)
{
	const int calls = request->command == WATCH ? SERVER_CALLS : PROGRAM_CALLS;
	struct timespec tick = {0, TICK_NS};
	const int64_t started_us = microseconds(CLOCK_MONOTONIC);
	struct reply reply = {.reason = RUNNING};
	bool output_was_full = false;
	const int64_t oom_kills = count_oom_kills();
	least = begin_memory_watch();
	before_kb = 0;
	program = request->command == WATCH ? (pid_t)request->number[PID] : launch(request);
	begin_answering(request);
	close_received(); /* a forked process waits for this */
	while (reply.reason == RUNNING) {
		await(calls, user_of((int)request->role), &tick);
		const bool lowered = lowered_score(program);
		reap(&reply);
		if (reply.reason == ENDED && lowered)
			end_by_signal(&reply);
		reply.wall_us = microseconds(CLOCK_MONOTONIC) - started_us;
		if (reply.reason == RUNNING)
			tick.tv_nsec = check_limits(&reply, request);
		if (reply.reason == RUNNING && uses_too_much(request, false))
			reply.reason = BY_OUTPUT;
		output_was_full = output_was_full || output_is_full();
	}
	const bool failed = reply.reason == ENDED && reply.status != 0;
	/* If it still is, the worker sees it. */
	const bool lost_output = output_was_full && !output_is_full();
	const bool server_too = end_answering() && request->command == WATCH;
	sweep(&reply, server_too);
	if (reply.reason == ENDED && uses_too_much(request, true))
		reply.reason = BY_OUTPUT;
	if (*start_error)
		fail("cannot start", start_error);
	if (reply.reason == ENDED && lost_output)
		fail("the disk was full for a while", directory);
	blame_disk();
	/* Perhaps a child of it: a compiler reports the end of its own as an error of the source. */
	if (failed && count_oom_kills() != oom_kills) /* also if it cannot be read any more */
		blame_platform("the kernel ended a program for lack of memory");
	if (reply.reason == SUSPECTED)
		judge_suspect(&reply, request->number[MEMORY_KB]);
	judge_doubtful(&reply, request->number[MEMORY_KB]);
	return reply;
}
