#include <stdio.h>

int main(void)
{
	const char *compiled = __DATE__ __TIME__ __TIMESTAMP__;
	puts(*compiled ? "safe" : "leaked");
	return 0;
}
