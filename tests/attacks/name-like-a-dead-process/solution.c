#include <sys/prctl.h>

int main(void)
{
	prctl(PR_SET_NAME, ") Z 1 1\n 0 0 0", 0, 0, 0);
	for (volatile unsigned long i = 0;; i++)
		;
}
