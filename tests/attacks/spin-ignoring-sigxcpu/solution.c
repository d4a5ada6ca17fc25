#include <signal.h>

int main(void)
{
	signal(SIGXCPU, SIG_IGN);
	for (volatile unsigned long i = 0;; i++)
		;
}
