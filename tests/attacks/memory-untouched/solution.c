#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	long taken = 0;
	while (malloc(1 << 20))
		taken++;
	puts(taken < 8 << 10 ? "safe" : "leaked");
}
