#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WIDE(value) ((unsigned long)(value) | 0xa5a5a5a500000000UL)

static void check(const char *what, long result)
{
	if (result != -1)
		printf("leaked %s\n", what);
}

int main(void)
{
	int pair[2];
	struct rlimit limit;
	const long page = (long)mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pipe(pair);

	check("prctl", syscall(SYS_prctl, WIDE(PR_SET_DUMPABLE), 0, 0, 0, 0));
	check("prlimit", syscall(SYS_prlimit64, WIDE(getppid()), RLIMIT_CPU, 0, &limit));
	check("socketpair", syscall(SYS_socketpair, WIDE(AF_UNIX), WIDE(SOCK_DGRAM), 0, pair));
	check("openat to create", syscall(SYS_openat, WIDE(AT_FDCWD), "/tmp/left",
					  WIDE(O_CREAT | O_WRONLY), 0600));
	check("openat to write", syscall(SYS_openat, WIDE(AT_FDCWD), "/proc/self/mem", WIDE(O_RDWR)));
	check("openat without a name", syscall(SYS_openat, WIDE(AT_FDCWD), "/dev/shm",
					       WIDE(O_TMPFILE | O_RDWR), 0600));
	check("clone of a process", syscall(SYS_clone, WIDE(SIGCHLD), 0, 0, 0, 0));
	check("clone of a namespace", syscall(SYS_clone, WIDE(CLONE_NEWUSER | SIGCHLD), 0, 0, 0, 0));
	check("fcntl", syscall(SYS_fcntl, WIDE(pair[1]), WIDE(F_SETPIPE_SZ), 1 << 20));
	check("ioctl", syscall(SYS_ioctl, WIDE(0), WIDE(TIOCSTI), "x"));
	check("pipe2", syscall(SYS_pipe2, pair, WIDE(O_EXCL)));
	check("close_range", syscall(SYS_close_range, WIDE(100), WIDE(101), WIDE(2)));
	check("madvise", syscall(SYS_madvise, page, 4096, WIDE(21)));
	puts("safe");
	return 0;
}
