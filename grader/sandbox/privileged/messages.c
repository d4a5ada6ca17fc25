/* Messages of the worker: every part may be hostile. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "launcher.h"

static const int64_t maxima[NUMBERS] = {600000, 1300000, 64 << 20, 64 << 20, 64 << 20,
	1LL << 32, 512, 1 << 22};
static void check(struct request *request, size_t length)
{
	if (length < offsetof(struct request, word) || request->words > MAX_WORDS ||
	    length != offsetof(struct request, word[request->words]))
		refuse("length");
	if (request->command > CLEAN || request->role >= ROLES ||
	    request->policy >= POLICY_COUNT)
		refuse("command, role or policy");
	for (int i = 0; i < NUMBERS; i++)
		if (request->number[i] < 0 || request->number[i] > maxima[i])
			refuse("number out of bounds");
	for (uint32_t i = 0; i < request->words; i++) {
		request->argv[i] = request->word[i];
		if (!memchr(request->word[i], '\0', WORD_BYTES))
			refuse("unterminated word");
	}
	request->argv[request->words] = NULL;
	if (request->command <= SERVER && (request->fd_count < 3 || !request->words))
		refuse("no program");
}

/* Also if it has only closed the socket, because something interrupted its run. */
bool worker_has_gone(void)
{
	char byte;
	return getppid() != worker || recv(CONTROL_FD, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Returns false when the worker has closed the socket. */
bool receive(struct request *request)
{
	union { char bytes[CMSG_SPACE(sizeof request->fds)]; struct cmsghdr align; } control;
	struct iovec data = {request, offsetof(struct request, fds)};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof control};
	const ssize_t length = recvmsg(CONTROL_FD, &header, MSG_CMSG_CLOEXEC);
	if (length <= 0)
		return false;
	const struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    (rights && (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)))
		refuse("too long, or ancillary data of another kind");
	request->fd_count = rights ? (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
	if (rights)
		memcpy(request->fds, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	check(request, (size_t)length);
	return true;
}

/* No other descriptor above the fixed ones is open. */
void close_received(void)
{
	if (close_range(FIRST_RECEIVED, ~0U, 0) != 0)
		die("close_range");
}
