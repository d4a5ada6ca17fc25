#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	for (int level = 0; level < 20000; level++)
		if (mkdir("d", 0700) != 0 || chdir("d") != 0)
			break;
	puts("safe");
}
