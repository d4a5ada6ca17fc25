#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *take(void *nothing)
{
	for (int i = 0; i < 90; i++) {
		char *block = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (block == MAP_FAILED)
			_exit(1);
		memset(block, 1, 1 << 20);
	}
	puts("safe");
	fflush(stdout);
	_exit(0);
	return nothing;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, take, 0);
	pthread_exit(0);
}
