#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void *burn(void *nothing)
{
	while (clock() < CLOCKS_PER_SEC / 2)
		;
	puts("safe");
	fflush(stdout);
	_exit(0);
	return nothing;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, 0, burn, 0);
	pthread_exit(0);
}
