#include <stdio.h>

const char interpreter[] __attribute__((section(".interp"))) = "/usr/bin/python3";

int main(void)
{
	puts("safe");
	return 0;
}
