#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	const int score = open("/proc/self/oom_score_adj", O_WRONLY);
	if (score < 0)
		return puts("safe") < 0;
	while (clock() < CLOCKS_PER_SEC / 5)
		if (pwrite(score, "0", 1, 0) != 1)
			return puts("safe") < 0;
	puts("leaked");
}
