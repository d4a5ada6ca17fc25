#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	const char *paths[] = {"program", "./program", "/proc/self/exe", "../build/program"};
	int leaked = 0;
	for (int i = 0; i < 4; i++) {
		leaked += open(paths[i], O_WRONLY) >= 0;
		leaked += open(paths[i], O_RDWR | O_TRUNC) >= 0;
		leaked += truncate(paths[i], 0) == 0;
		leaked += chmod(paths[i], 0777) == 0;
		leaked += unlink(paths[i]) == 0;
	}
	puts(leaked ? "leaked" : "safe");
	return 0;
}
