#include <sys/select.h>
#include <unistd.h>

int main(void)
{
	int ends[2];
	fd_set waiting;
	if (pipe(ends) != 0)
		return 1;
	FD_ZERO(&waiting);
	FD_SET(ends[0], &waiting);
	return select(ends[0] + 1, &waiting, 0, 0, 0);
}
