#include <stdio.h>
#include <unistd.h>

int main(void)
{
	puts(syscall(0x40000000 + 41, 2, 1, 0) < 0 ? "safe" : "leaked");
	return 0;
}
