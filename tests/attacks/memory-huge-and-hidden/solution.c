#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PIECE = 1 << 20, HALF = 110 };

int main(void)
{
	char *huge = mmap(0, (size_t)HALF * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char *kept = mmap(0, (size_t)HALF * PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	if (huge == MAP_FAILED || kept == MAP_FAILED)
		return puts("safe") < 0;
	for (int i = 0; i < HALF; i++) {
		memset(kept + i * PIECE, 1, PIECE);
		madvise(kept + i * PIECE, PIECE, MADV_DONTNEED);
	}
	madvise(huge, (size_t)HALF * PIECE, MADV_HUGEPAGE);
	memset(huge, 1, (size_t)HALF * PIECE);
	puts(kept[PIECE] == 1 && huge[PIECE] == 1 ? "leaked" : "safe");
}
