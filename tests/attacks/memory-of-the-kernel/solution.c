#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char page[4096] __attribute__((aligned(4096)));

static void check(const char *what, long result)
{
	if (result >= 0)
		printf("leaked %s\n", what);
}

int main(void)
{
	int ends[2], more[2], pair[2], queue[2], size = 16 << 20;
	struct iovec vector = {page, sizeof page};
	struct flock lock = {.l_type = F_RDLCK, .l_start = 2, .l_len = 1};
	pipe(ends);
	pipe(more);
	write(ends[1], "x", 1);

	check("a larger pipe", fcntl(ends[1], F_SETPIPE_SZ, 1 << 20));
	check("pages in a pipe", vmsplice(ends[1], &vector, 1, 0));
	check("a copy of a pipe", tee(ends[0], more[1], 1, 0));
	check("a move of a pipe", splice(ends[0], NULL, more[1], NULL, 1, 0));
	check("a file in a pipe", syscall(SYS_sendfile, more[1], 0, NULL, 4096));
	check("a watch queue", syscall(SYS_pipe2, queue, O_EXCL));
	check("inotify", inotify_init1(0));
	check("fanotify", syscall(SYS_fanotify_init, 0, O_RDONLY));
	check("a directory notification", fcntl(0, F_NOTIFY, 1));
	check("a lock of a byte", fcntl(0, F_SETLK, &lock));
	check("userfaultfd", syscall(SYS_userfaultfd, 1));
	check("a key", syscall(SYS_add_key, "user", "x", page, sizeof page, -2));
	check("io_uring", syscall(SYS_io_uring_setup, 1, page));
	check("asynchronous operations", syscall(SYS_io_setup, 1024, page));
	check("locked memory", mlockall(MCL_FUTURE));
	check("a memory file", memfd_create("x", 0));
	check("a filter", syscall(SYS_seccomp, 1, 0, page));
	check("a filter by prctl", syscall(SYS_prctl, 22, 2, page, 0, 0));
	check("a Landlock domain", syscall(444, page, 8, 0));
	if (mmap(0, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) != MAP_FAILED)
		puts("leaked huge pages");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {
		check("a larger buffer", setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
		check("a larger buffer", setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof size));
	}
	puts("safe");
	return 0;
}
