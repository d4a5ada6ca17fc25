#include <stdio.h>

int main(void)
{
	puts("safe");
	return 0;
}
