#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static char stack[1 << 16];

static int wait_forever(void *nothing)
{
	(void)nothing;
	pause();
	return 0;
}

int main(void)
{
	const int thread = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	if (clone(wait_forever, stack + sizeof stack, thread, NULL) != -1)
		puts("leaked a thread");
	if (clone(wait_forever, stack + sizeof stack, CLONE_VM, NULL) != -1)
		puts("leaked a process that shares memory");
	if (unshare(CLONE_FILES) == 0)
		puts("leaked by unshare");
	if (syscall(SYS_close_range, 100, 200, 2 /* CLOSE_RANGE_UNSHARE */) == 0)
		puts("leaked by close_range");
	puts("safe");
	return 0;
}
