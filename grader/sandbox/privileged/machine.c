/* What /proc tells of the memory of the whole machine. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "launcher.h"

static char text[32 << 10]; /* larger than any of the files */

size_t read_text(const char *path, char *into, size_t size)
{
	size_t length = 0;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (ssize_t got = 1; fd >= 0 && got > 0 && length < size - 1;) {
		got = read(fd, into + length, size - 1 - length);
		length += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	into[length] = '\0';
	return length;
}

int64_t number_after(const char *content, const char *name)
{
	const char *found = strstr(content, name);
	return found ? strtoll(found + strlen(name), NULL, 10) : 0;
}

struct machine read_machine(void)
{
	static const char *const kernel[] = {"\nSUnreclaim:", "\nKernelStack:", "\nPageTables:",
		"\nVmallocUsed:"};
	struct machine found = {0};
	read_text("/proc/meminfo", text, sizeof text);
	found.shared_kb = number_after(text, "\nShmem:") + number_after(text, "\nSwapTotal:") -
		number_after(text, "\nSwapFree:");
	for (size_t i = 0; i < COUNT(kernel); i++)
		found.kernel_kb += number_after(text, kernel[i]);
	return found;
}
