#include <stdio.h>

int main(void)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(359), "b"(2), "c"(1), "d"(0) : "memory");
	printf("leaked %ld\n", result);
	return 0;
}
