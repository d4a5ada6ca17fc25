#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	char path[64];
	for (int i = 0; i < 20; i++) {
		int zero = 0, number = 0;
		const int master = open("/dev/ptmx", O_RDONLY | O_NOCTTY | O_NONBLOCK);
		if (master < 0)
			continue;
		if (ioctl(master, TIOCSPTLCK, &zero) == 0 || ioctl(master, TIOCGPTN, &number) == 0 ||
		    ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY) >= 0)
			puts("leaked");
		for (number = 0; number < 100; number++) {
			snprintf(path, sizeof path, "/dev/pts/%d", number);
			if (open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK) >= 0)
				printf("leaked %s\n", path);
		}
		if (write(master, "x", 1) == 1)
			puts("leaked a writable master");
	}
	puts("safe");
	return 0;
}
