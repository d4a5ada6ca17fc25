#include <stdio.h>

static char array[2000000000];

int main(int count, char **words)
{
	(void)words;
	array[1999999998 + count] = 1;
	puts(array[1999999999] ? "safe" : "wrong");
}
