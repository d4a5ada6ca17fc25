/*
 * Finds a box that uses more memory than its processes show as resident.
 *
 * Shared memory stays when it is no longer resident, the kernel keeps memory for programs, and
 * nothing tells whose it is.  But both are counted for the whole machine: a box that may be the
 * cause of a growth is ended, and guilty if the memory is free afterwards.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "launcher.h"

enum {
	/* Page tables, mappings, pipes and sockets that every program may have. */
	FREE_KERNEL_KB = 8 << 10,
	/* What else the kernel may use for a program, and for others meanwhile. */
	KERNEL_NOISE_KB = 128 << 10,
	/* It takes the kernel longer than a millisecond to use so much. */
	KERNEL_KB_PER_MS = 2 << 10,
	/* The kernel frees some of its memory later. */
	FREED_TRIES = 30, FREED_NS = 10000000,
	/* How many looks a box that cannot be the only cause waits for the other one to be ended. */
	PATIENT_LOOKS = 5,
};

static int lock = -1; /* held from a suspicion to its result */
static struct machine suspected;
static struct holdings held;
static int64_t own_kb; /* resident, swapped, or known memory of the kernel */
static struct machine grown; /* since the least of the run */

static int64_t at_least_0(int64_t value) { return value > 0 ? value : 0; }

static void release(void)
{
	if (lock >= 0)
		close(lock);
	lock = -1;
}

/* Memory of the box if it is the cause of what the machine used more than at another time. */
static int64_t used_kb(const struct machine *more, const struct machine *less)
{
	const int64_t shared = more->shared_kb - less->shared_kb;
	const int64_t kernel = more->kernel_kb - less->kernel_kb;
	const int64_t hidden = at_least_0(shared - held.shared_kb);
	int64_t used = own_kb + (hidden < held.hideable_kb ? hidden : held.hideable_kb);
	if (held.system_ms >= kernel / KERNEL_KB_PER_MS)
		used += at_least_0(kernel - KERNEL_NOISE_KB);
	return used;
}

/* Looks again under the lock, for another box may have been ended as the cause. */
static bool is_suspect(const struct machine *least, int64_t limit_kb)
{
	static int looks;
	if (used_kb(&suspected, least) <= limit_kb) {
		looks = 0;
		return false;
	}
	if (held.hideable_kb < grown.shared_kb - held.shared_kb && ++looks < PATIENT_LOOKS)
		return false;
	looks = 0;
	lock = open(BOX_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
		suspected = read_machine();
		if (used_kb(&suspected, least) > limit_kb)
			return true;
	}
	release();
	return false;
}

/*
 * Whether the box may use more than its limit.  least: the least that the machine used during the
 * run.  If so, the caller ends the processes of the box and calls judge_suspect.
 */
bool hides_memory(const struct request *request, const struct usage *usage, struct machine *least)
{
	const int64_t limit_kb = request->number[MEMORY_KB];
	suspected = read_machine();
	if (suspected.shared_kb < least->shared_kb)
		least->shared_kb = suspected.shared_kb;
	if (suspected.kernel_kb < least->kernel_kb)
		least->kernel_kb = suspected.kernel_kb;
	grown.shared_kb = suspected.shared_kb - least->shared_kb;
	grown.kernel_kb = suspected.kernel_kb - least->kernel_kb;
	const int64_t buffers = usage->processes * most_descriptors(request) * SOCKET_KB;
	if (usage->rss_kb + grown.shared_kb + grown.kernel_kb + buffers <= limit_kb)
		return false;

	held = measure_holdings();
	own_kb = usage->rss_kb + held.swapped_kb + at_least_0(held.kernel_kb - FREE_KERNEL_KB);
	return own_kb > limit_kb || is_suspect(least, limit_kb);
}

/*
 * Reports how much the ended processes of a suspected box used; fails if it was not too much.
 * Others may have used more meanwhile, so half of what the box was suspected of is enough: if it
 * was not the cause, next to nothing is free now.
 */
void judge_suspect(struct reply *reply, int64_t limit_kb)
{
	const struct timespec pause = {0, FREED_NS};
	const int64_t enough_kb = own_kb + (limit_kb - own_kb) / 2;
	int64_t used = own_kb;
	char what[128];
	for (int i = 0; i < FREED_TRIES && used <= enough_kb; i++) {
		if (i)
			nanosleep(&pause, NULL);
		const struct machine now = read_machine();
		used = used_kb(&suspected, &now);
	}
	release();
	snprintf(what, sizeof what, "shared memory and memory of the kernel grew by %jd and %jd MB, "
		 "not by the program", grown.shared_kb >> 10, grown.kernel_kb >> 10);
	if (used <= enough_kb)
		blame_platform(what);
	reply->peak_kb = used > reply->peak_kb ? used : reply->peak_kb;
	reply->reason = BY_MEMORY;
}
