#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Looks for marks of an earlier case or submission, and leaves them for the next. */
int main(void)
{
	static const char *const places[] = {".", "../run", "..", "/tmp", "/dev/shm"};
	char name[32], value[8];
	int found = 0;
	struct stat here;
	for (int i = 0; i < 5; i++) {
		found += getxattr(places[i], "user.mark", value, sizeof value) >= 0;
		setxattr(places[i], "user.mark", "1", 1, 0);
	}
	found += stat(".", &here) != 0 || here.st_size > 8192 || here.st_nlink != 2 ||
		(here.st_mode & 07777) != 0770;
	chmod(".", 0771);
	for (int number = 0; number < 500; number++) {
		snprintf(name, sizeof name, "%020d", number);
		close(open(name, O_CREAT | O_WRONLY, 0600));
		unlink(name);
		if (number % 2)
			close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	mkdir("left", 0700);
	puts(found ? "leaked" : "safe");
}
