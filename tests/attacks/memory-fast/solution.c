#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *take(void *nothing)
{
	const size_t size = 100 << 20;
	char *block = malloc(size);
	if (block) {
		madvise(block, size, MADV_HUGEPAGE);
		memset(block, 1, size);
	}
	return nothing;
}

int main(void)
{
	pthread_t threads[15];
	for (int i = 0; i < 15; i++)
		pthread_create(&threads[i], 0, take, 0);
	for (int i = 0; i < 15; i++)
		pthread_join(threads[i], 0);
	return 1;
}
