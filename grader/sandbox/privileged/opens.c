/*
 * Opens for writing, in policies without files.
 *
 * A filter cannot read a path, so it lets the launcher answer (SECCOMP_RET_USER_NOTIF).  Honest
 * programs open /dev/null, or their output by its name in /dev.  They get a descriptor of this
 * process, and nothing is opened for them: it does not matter whether the path changes after it was
 * read.  Everything else is refused, also where the path cannot be read.
 *
 * The program itself has to install its filter, which creates the descriptor to answer with; it
 * hands that over on a socket before it executes anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "launcher.h"

/* Of one run; then no one answers any more, which fails these calls with ENOSYS. */
enum { MOST_ANSWERS = 512, PATH_BYTES = 32 };

static const struct { const char *path; int descriptor; } given[] = {
	{"/dev/null", NULL_FD},
	{"/dev/stdout", STDOUT_FD}, {"/dev/fd/1", STDOUT_FD}, {"/proc/self/fd/1", STDOUT_FD},
	{"/dev/stderr", STDERR_FD}, {"/dev/fd/2", STDERR_FD}, {"/proc/self/fd/2", STDERR_FD},
};
static enum { UNUSED, HANDING_OVER, ASKING } state[FIRST_RECEIVED];
static int answers;

/* Puts a descriptor, which is not closed, at a fixed number; a number is never free. */
static void put(int fd, int number)
{
	if (dup3(fd, number, O_CLOEXEC) < 0)
		die("dup3");
}

static void forget(int calls)
{
	put(NULL_FD, calls);
	state[calls] = UNUSED;
}

void prepare_opens(void)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int signals = signalfd(-1, &all_signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (null < 0 || signals < 0)
		die("/dev/null or signalfd");
	/* Above the fixed numbers first: they could be among these. */
	const int null_copy = fcntl(null, F_DUPFD_CLOEXEC, FIRST_RECEIVED);
	const int signals_copy = fcntl(signals, F_DUPFD_CLOEXEC, FIRST_RECEIVED);
	for (int number = NULL_FD; number < FIRST_RECEIVED; number++)
		put(number == SIGNALS_FD ? signals_copy : null_copy, number);
	close_received();
}

int begin_handover(int calls)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		die("socketpair");
	put(ends[0], calls);
	close(ends[0]);
	state[calls] = HANDING_OVER;
	return ends[1];
}

union rights { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; };

/* In the child: the filter is active afterwards. */
bool install_and_hand_over(const struct sock_fprog *filter, int socket)
{
	const unsigned listener_too = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	const int calls = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listener_too, filter);
	if (calls < 0) /* such as under another listener: then no one answers */
		return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) == 0;
	union rights control = {0};
	struct iovec data = {"", 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){CMSG_LEN(sizeof calls), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &calls, sizeof calls);
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

static void take_over(int calls)
{
	char byte;
	union rights control;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control};
	const ssize_t length = recvmsg(calls, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *header = length == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	int received;
	if (!header) {
		forget(calls);
		return;
	}
	memcpy(&received, CMSG_DATA(header), sizeof received);
	put(received, calls);
	close(received);
	state[calls] = ASKING;
}

/* As the user of the program, because another's memory can be read with CAP_SYS_PTRACE only. */
static ssize_t read_memory(pid_t pid, uid_t user, uint64_t address, char *into, size_t size)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/mem", pid);
	setfsgid(user);
	setfsuid(user);
	const int memory = open(name, O_RDONLY | O_CLOEXEC);
	setfsuid(0);
	setfsgid(getegid());
	if (memory < 0)
		return -1;
	const ssize_t length = pread(memory, into, size, (off_t)address);
	close(memory);
	return length;
}

/* The descriptor here that a call gets; -1 to refuse it. */
static int find_given(int calls, const struct seccomp_notif *call, uid_t user)
{
	const bool at = call->data.nr == SYS_openat;
	char path[PATH_BYTES];
	const ssize_t length = read_memory((pid_t)call->pid, user, call->data.args[at], path,
					   sizeof path);
	/* The process could have ended, and another could have got its number. */
	if (length <= 0 || ioctl(calls, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) != 0)
		return -1;
	for (size_t i = 0; i < COUNT(given); i++)
		if (strlen(given[i].path) < (size_t)length && strcmp(path, given[i].path) == 0)
			return given[i].descriptor;
	return -1;
}

static void answer(int calls, uid_t user)
{
	union { struct seccomp_notif call; char space[512]; } seen = {.space = {0}};
	const struct seccomp_notif *call = &seen.call;
	if (ioctl(calls, SECCOMP_IOCTL_NOTIF_RECV, &seen.call) != 0)
		return; /* a signal interrupted the call */
	struct seccomp_notif_resp reply = {.id = call->id, .error = -EACCES};
	const int source = find_given(calls, call, user);
	if (source >= 0) {
		const int flags = (int)call->data.args[call->data.nr == SYS_openat ? 2 : 1];
		/* Flags of a shared one would be a mark for the next program. */
		const int fresh = source == NULL_FD ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
		struct seccomp_notif_addfd added = {.id = call->id,
			.srcfd = (unsigned)(fresh < 0 ? source : fresh),
			.newfd_flags = (unsigned)(flags & O_CLOEXEC)};
		const int fd = ioctl(calls, SECCOMP_IOCTL_NOTIF_ADDFD, &added);
		reply.error = fd < 0 ? -errno : 0;
		reply.val = fd < 0 ? 0 : fd;
		if (fresh >= 0)
			close(fresh);
	}
	ioctl(calls, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	if (++answers == MOST_ANSWERS)
		forget(calls);
}

void begin_answering(const struct request *request)
{
	answers = 0;
	put(request->fd_count > STDOUT_FILENO ? request->fds[STDOUT_FILENO] : NULL_FD, STDOUT_FD);
	put(request->fd_count > STDERR_FILENO ? request->fds[STDERR_FILENO] : NULL_FD, STDERR_FD);
}

/* Returns whether there were too many: then a fork server has no one to ask for the next case. */
bool end_answering(void)
{
	put(NULL_FD, STDOUT_FD);
	put(NULL_FD, STDERR_FD);
	return answers >= MOST_ANSWERS;
}

/* Waits for a signal, and answers until then; returns after a while at the latest. */
void await(int calls, uid_t user, const struct timespec *longest)
{
	const struct timespec none = {0};
	const int64_t end_us = microseconds(CLOCK_MONOTONIC) + longest->tv_nsec / 1000;
	struct pollfd events[] = {{SIGNALS_FD, POLLIN, 0}, {calls, POLLIN, 0}};
	for (int64_t left_us; (left_us = end_us - microseconds(CLOCK_MONOTONIC)) > 0;) {
		const struct timespec left = {0, left_us * 1000};
		events[1].fd = state[calls] == UNUSED ? -1 : calls;
		if (ppoll(events, COUNT(events), &left, NULL) <= 0)
			return;
		if (events[0].revents) {
			sigtimedwait(&all_signals, NULL, &none);
			return;
		}
		if (events[1].revents & POLLIN)
			state[calls] == ASKING ? answer(calls, user) : take_over(calls);
		else
			forget(calls); /* none is left to ask */
	}
}
