#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char *const argv[] = {"/bin/echo", "leaked", 0};
	for (int i = 0; i < 1000; i++)
		execve(argv[0], argv, 0);
	execv("./program", argv);
	puts("safe");
	return 0;
}
