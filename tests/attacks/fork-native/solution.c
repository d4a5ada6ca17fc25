#include <stdio.h>
#include <unistd.h>

int main(void)
{
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	puts(child < 0 ? "safe" : "leaked");
	return 0;
}
