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
static int looks; /* of this run at what another box may be the cause of */
static bool in_doubt; /* whether the last look found too much, and nothing was done */

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

static bool take_lock(void)
{
	lock = open(BOX_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (flock(lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	release();
	return false;
}

/* Looks again under the lock, for another box may have been ended as the cause. */
static bool is_suspect(const struct machine *least, int64_t limit_kb)
{
	const bool others = held.hideable_kb < grown.shared_kb - held.shared_kb ||
		held.kernel_kb < grown.kernel_kb - KERNEL_NOISE_KB;
	in_doubt = used_kb(&suspected, least) > limit_kb;
	if (!in_doubt)
		looks = 0;
	if (!in_doubt || (others && ++looks < PATIENT_LOOKS))
		return false;
	looks = 0;
	if (!take_lock())
		return false;
	suspected = read_machine();
	in_doubt = used_kb(&suspected, least) > limit_kb;
	if (!in_doubt)
		release();
	return in_doubt;
}

/* Before a program starts; returns what the machine uses. */
struct machine begin_memory_watch(void)
{
	looks = 0;
	in_doubt = false;
	reaped_faults = reaped_system_ms = 0;
	return read_machine();
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
	in_doubt = false;
	if (usage->rss_kb + grown.shared_kb + grown.kernel_kb + buffers <= limit_kb)
		return false;

	held = measure_holdings();
	own_kb = usage->rss_kb + held.swapped_kb + at_least_0(held.kernel_kb - FREE_KERNEL_KB);
	return own_kb > limit_kb || is_suspect(least, limit_kb);
}

/*
 * Whether the memory of the ended processes of a suspected box is free now; sets how much.  Others
 * may have used more meanwhile, so half of what the box was suspected of is enough: if it was not
 * the cause, next to nothing is free now.
 */
static bool is_free(int64_t limit_kb, int64_t *used)
{
	const struct timespec pause = {0, FREED_NS};
	const int64_t enough_kb = own_kb + (limit_kb - own_kb) / 2;
	*used = own_kb;
	for (int i = 0; i < FREED_TRIES && *used <= enough_kb; i++) {
		if (i)
			nanosleep(&pause, NULL);
		const struct machine now = read_machine();
		*used = used_kb(&suspected, &now);
	}
	release();
	return *used > enough_kb;
}

static void end_by_memory(struct reply *reply, int64_t used)
{
	reply->peak_kb = used > reply->peak_kb ? used : reply->peak_kb;
	reply->reason = BY_MEMORY;
}

/* Reports how much the ended processes of a suspected box used; fails if it was not too much. */
void judge_suspect(struct reply *reply, int64_t limit_kb)
{
	int64_t used;
	char what[128];
	snprintf(what, sizeof what, "shared memory and memory of the kernel grew by %jd and %jd MB, "
		 "not by the program", grown.shared_kb >> 10, grown.kernel_kb >> 10);
	if (!is_free(limit_kb, &used))
		blame_platform(what);
	end_by_memory(reply, used);
}

/*
 * Judges a program that ended before it was, but was about to be suspected.  While another box is
 * judged nothing can be told from what is free.
 */
void judge_doubtful(struct reply *reply, int64_t limit_kb)
{
	int64_t used;
	if (!in_doubt || reply->reason != ENDED)
		return;
	if (!take_lock())
		blame_platform("two programs ended while one of them hid memory");
	if (is_free(limit_kb, &used))
		end_by_memory(reply, used);
}
