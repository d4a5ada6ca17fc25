#include <string.h>
#include <sys/mman.h>

int main(void)
{
	size_t size = 300 << 20;
	for (;;) {
		char *block = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (block == MAP_FAILED)
			return 1;
		memset(block, 1, size);
		munmap(block, size);
	}
}
