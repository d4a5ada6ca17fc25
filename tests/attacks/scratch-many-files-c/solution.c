#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char name[16];
	for (int number = 0; number < 25000; number++) {
		snprintf(name, sizeof name, "%d", number);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	puts("safe");
}
