#include <signal.h>
#include <stdio.h>

int main(void)
{
	signal(SIGXFSZ, SIG_IGN);
	puts("safe");
	for (;;)
		puts("                                                                        ");
}
