#include <stdio.h>

static int deeper(volatile int depth)
{
	volatile char room[1000] = {0};
	return deeper(depth + 1) + room[depth % 1000];
}

int main(void)
{
	printf("%d", deeper(0));
}
