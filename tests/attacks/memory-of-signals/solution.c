#include <signal.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	long timers = 0;
	timer_t timer;
	while (timers < 100000 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		timers++;
	puts(timers > 10000 ? "leaked" : "safe");
}
