#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int main(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	FILE *pattern = fopen("/proc/sys/kernel/core_pattern", "w");
	if (pattern)
		fputs("/tmp/core", pattern);
	if (setrlimit(RLIMIT_CORE, &all) == 0)
		puts("leaked");
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	abort();
}
