#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PIECE = 1 << 20, PIECES = 400 };
static char *kept[PIECES];

int main(void)
{
	int good = 0;
	for (int i = 0; i < PIECES; i++) {
		kept[i] = mmap(0, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (kept[i] == MAP_FAILED)
			return puts("safe") < 0;
		memset(kept[i], i + 1, PIECE);
		madvise(kept[i], PIECE, MADV_DONTNEED);
	}
	for (int i = 0; i < PIECES; i++) {
		good += kept[i][5] == (char)(i + 1);
		madvise(kept[i], PIECE, MADV_DONTNEED);
	}
	puts(good > 64 ? "leaked" : "safe");
}
