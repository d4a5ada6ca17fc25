#include <pthread.h>

static void *burn(void *nothing)
{
	for (volatile unsigned long i = 0;; i++)
		;
	return nothing;
}

int main(void)
{
	pthread_t thread;
	for (int i = 0; i < 100; i++)
		pthread_create(&thread, 0, burn, 0);
	burn(0);
}
