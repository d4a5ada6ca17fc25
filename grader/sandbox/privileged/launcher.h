/* What the parts of the launcher share; main.c describes the whole. */
#ifndef LAUNCHER_H
#define LAUNCHER_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include "config.h"

#define OOM_SCORE "1000" /* the highest */
#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { COMPILE, RUN, CHECKER, ROLES, SWEEPER = ROLES, USERS };
enum { START, SERVER, WATCH, SWEEP, CLEAN };                         /* commands */
enum { RUNNING, ENDED, BY_CPU, BY_WALL, BY_MEMORY, BY_OUTPUT, DONE, SUSPECTED }; /* reasons */
enum { SOCKET_KB = 208 };                                            /* that it may have sent */
enum { EXIT_FAILED = 70, MAX_FDS = 8, MAX_WORDS = 48, WORD_BYTES = 4096 };
enum { SOON_MS = 10000 };
/* Descriptors: of this process; of the run; where program and server ask. */
enum { CONTROL_FD, LOCK_FD, ERROR_FD, EMPTIER_FD, NULL_FD, SIGNALS_FD, STDOUT_FD, STDERR_FD,
	PROGRAM_CALLS, SERVER_CALLS, FIRST_RECEIVED };

/* In the order of a message; SPACE_KB 0 means no limit; PID is used by WATCH only. */
enum { CPU_MS, WALL_MS, MEMORY_KB, DATA_KB, SPACE_KB, FILE_BYTES, PROCESSES, PID, NUMBERS };

struct request {
	uint32_t command, role, policy, words;
	int64_t number[NUMBERS];
	char word[MAX_WORDS][WORD_BYTES];
	/* Not part of the message: */
	int fds[MAX_FDS], fd_count;
	char *argv[MAX_WORDS + 1];
};

struct reply {
	int32_t reason, status, server_alive, padding;
	int64_t cpu_us, wall_us, peak_kb;
	char error[512];
};

/* Of the box. */
struct usage { int64_t processes, cpu_us, rss_kb, lowered_scores; };

/* Of the whole machine; 0 where the kernel does not tell. */
struct machine { int64_t shared_kb, kernel_kb; };

/* Of the box: resident shared memory, memory of the kernel, and at most how much shared memory it
 * may have that is not resident. */
struct holdings { int64_t shared_kb, swapped_kb, kernel_kb, hideable_kb, system_ms; };

/* Set once by main.c. */
extern int box; /* the one that is served; -1 before */
extern pid_t worker, launcher;
extern sigset_t all_signals;

/* 0 when there is none. */
extern pid_t program, server;

/* main.c */
_Noreturn void fail(const char *what, const char *why);
_Noreturn void die(const char *what); /* with the error of the last system call */
_Noreturn void refuse(const char *what);
int64_t microseconds(clockid_t clock);
uid_t user_of(int role);

/* directories.c */
extern const char *const given_names[ROLES], *const work_names[ROLES];
extern char directory[sizeof BOX_ROOT + 32]; /* of the box; the working directory */
void prepare(void);
void renew_all(void);
void clean(void);
void prepare_work(const struct request *request);

/* disk.c */
void begin_disk_watch(void);
bool uses_too_much(const struct request *request, bool ended);
void blame_disk(void);
bool output_is_full(void);

/* emptier.c */
bool is_self_or_parent(const char *name);
bool remove_entry(int parent, const char *name, bool locked);
void start_emptier(void);
void begin_emptying(void);
bool finish_emptying(int milliseconds);

/* shared.c */
void find_shared(void);
extern size_t shared_count;
int open_shared(size_t number); /* below shared_count */
void remove_shared(void);

/* trust.c */
void check_caller(void);

/* messages.c */
bool receive(struct request *request);
bool worker_has_gone(void);
void close_received(void);

/* opens.c */
struct sock_fprog;
void prepare_opens(void);
int begin_handover(int calls); /* returns the child's end */
bool install_and_hand_over(const struct sock_fprog *filter, int socket);
void begin_answering(const struct request *request);
void await(int calls, uid_t user, const struct timespec *longest); /* an event */
bool end_answering(void);

/* machine.c */
size_t read_text(const char *path, char *into, size_t size);      /* "" if that fails */
int64_t number_after(const char *content, const char *name);      /* 0 without the name */
struct machine read_machine(void);

/* oom.c */
void find_oom_counter(void);
int64_t count_oom_kills(void);
_Noreturn void blame_platform(const char *what); /* and the largest process */

/* holdings.c */
struct holdings measure_holdings(void);

/* memory.c */
struct machine begin_memory_watch(void);
bool hides_memory(const struct request *request, const struct usage *usage, struct machine *least);
void judge_suspect(struct reply *reply, int64_t limit_kb);
void judge_doubtful(struct reply *reply, int64_t limit_kb);

/* processes.c */
extern int64_t reaped_faults, reaped_system_ms;                   /* of this run */
void each_process(void (*visit)(pid_t pid, uid_t user, void *result), void *result);
struct usage measure(void);
bool lowered_score(pid_t pid);
bool become(uid_t user, uid_t real);
bool reap(struct reply *reply);
void sweep(struct reply *reply, bool all);

/* program.c */
extern char *start_error; /* shared with the forked child until it executes */
int64_t most_descriptors(const struct request *request);
bool may_write(uint32_t policy);
bool can_confine(void);
pid_t launch(struct request *request);

/* watch.c */
struct reply run(struct request *request);
#endif
