#include <cstdio>
#include <cstring>
#include <sys/mman.h>

int main()
{
	const std::size_t piece = 1 << 20, page = 4096;
	for (int i = 0; i < 400; i++) {
		void *block = mmap(nullptr, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (block == MAP_FAILED)
			return std::puts("safe") < 0;
		std::memset(block, 1, piece);
		munmap(static_cast<char *>(block) + page, piece - page);
	}
	std::puts("leaked");
}
