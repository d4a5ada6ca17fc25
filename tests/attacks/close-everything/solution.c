#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 1024; i++)
		close(i);
	for (;;)
		pause();
}
