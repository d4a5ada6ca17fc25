#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[32] = "/dev/null";
static volatile int done;

static void *change(void *nothing)
{
	static const char *const paths[] = {"/dev/null", "/dev/stdout", "/proc/self/mem", "/tmp/left"};
	for (unsigned i = 0; !done; i++)
		strcpy(path, paths[i % 4]);
	return nothing;
}

int main(void)
{
	struct stat null, output, opened;
	pthread_t thread;
	stat("/dev/null", &null);
	fstat(1, &output);
	pthread_create(&thread, NULL, change, NULL);
	for (int i = 0; i < 500; i++) {
		const int descriptor = open(path, O_RDWR | O_CREAT, 0600);
		if (descriptor < 0)
			continue;
		fstat(descriptor, &opened);
		if (opened.st_ino != null.st_ino && opened.st_ino != output.st_ino)
			puts("leaked");
		close(descriptor);
	}
	done = 1;
	pthread_join(thread, NULL);
	puts("safe");
	return 0;
}
