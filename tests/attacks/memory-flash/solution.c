#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
	size_t size = 100 << 20;
	char *block = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		return 1;
	memset(block, 1, size);
	munmap(block, size);
	puts("safe");
	return 0;
}
