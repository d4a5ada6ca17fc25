#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	static const char *const directories[] = {"/dev/shm", "/tmp", "."};
	for (int i = 0; i < 3; i++) {
		const unsigned long flags = O_TMPFILE | O_RDWR;
		if (open(directories[i], O_TMPFILE | O_RDWR, 0600) >= 0 ||
		    syscall(SYS_openat, AT_FDCWD, directories[i], flags | 1UL << 40, 0600) >= 0)
			printf("leaked %s\n", directories[i]);
	}
	FILE *ordinary = tmpfile(); /* has a name for a moment; needs /tmp */
	if (ordinary)
		fputs("x", ordinary);
	puts("safe");
	return 0;
}
