#include <signal.h>
#include <stdio.h>

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	for (int i = 0; i < 1000000; i++)
		fprintf(stderr, "%01000d", 7);
	puts("safe");
	return 0;
}
