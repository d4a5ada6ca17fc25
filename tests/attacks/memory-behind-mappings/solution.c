#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, MAPPINGS = 17000, PIECE = 1 << 20, PIECES = 300 };

int main(void)
{
	char *low = mmap((void *)0x10000000, MAPPINGS * PAGE, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (low == MAP_FAILED)
		return puts("safe") < 0;
	for (int i = 0; i < MAPPINGS; i += 2)
		mprotect(low + i * PAGE, PAGE, PROT_NONE);
	char *kept = mmap(0, (size_t)PIECES * PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	if (kept == MAP_FAILED)
		return puts("safe") < 0;
	for (int i = 0; i < PIECES; i++) {
		memset(kept + i * PIECE, 1, PIECE);
		madvise(kept + i * PIECE, PIECE, MADV_DONTNEED);
	}
	puts(kept[PIECE] == 1 ? "leaked" : "safe");
}
