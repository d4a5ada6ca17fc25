"""
The system calls of Linux, reviewed one by one; pure data.

Read from the tables of Linux 6.18, for x86-64 and arm64. Every call is in exactly one group. A call
that a later kernel adds is in none, and answered like one that the kernel does not have.
"""

from __future__ import annotations

#: The kernel that the list was read for, and the number of its last call.
REVIEWED_KERNEL = "6.18"
LAST_REVIEWED = 469

#: From number 424 on, where all architectures have the same numbers; libseccomp may not know them.
_NEW = (
    "pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount"
    " fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd"
    " faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd"
    " landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret"
    " process_mrelease futex_waitv set_mempolicy_home_node cachestat fchmodat2"
    " map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount"
    " lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat"
    " listxattrat removexattrat open_tree_attr file_getattr file_setattr"
)
NEW_NUMBERS = {name: number for number, name in enumerate(_NEW.split(), 424)}

#: Allowed whatever the arguments: what a program does to itself and to what it has opened.
ALLOWED = (
    # memory
    "brk munmap mremap mprotect msync mincore membarrier mseal map_shadow_stack"
    " pkey_alloc pkey_free pkey_mprotect get_mempolicy"
    # open files
    " read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close dup dup2"
    " dup3 pipe poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait"
    " epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime"
    " timerfd_gettime fsync fdatasync sync_file_range ftruncate flock fadvise64"
    " sendto recvfrom sendmsg recvmsg shutdown getsockname getpeername getsockopt"
    # looking at files
    " stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink"
    " readlinkat getdents getdents64 getcwd chdir fchdir umask"
    # time
    " nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times alarm getitimer"
    " setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete"
    # threads
    " futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq"
    " set_tid_address gettid arch_prctl sched_yield sched_getaffinity sched_getparam"
    " sched_getscheduler sched_getattr sched_get_priority_max sched_get_priority_min"
    " sched_rr_get_interval getcpu exit"
    # signals
    " rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo"
    " rt_tgsigqueueinfo sigaltstack kill tkill tgkill pause restart_syscall"
    # processes
    " exit_group wait4 waitid getpid getppid getpgrp getpgid setpgid getsid setsid getuid geteuid"
    " getresuid getgid getegid getresgid getgroups capget getrlimit setrlimit getrusage getpriority"
    " ioprio_get uname sysinfo getrandom"
)
#: Allowed for some arguments: policy.py has their rules.
CONDITIONAL = (
    "clone close_range execve execveat fcntl ioctl madvise mmap open openat pipe2 prctl prlimit64"
    " rt_sigaction socketpair"
)

#: The network, and what would enlarge the buffers of a socket.
NETWORK = "socket bind connect listen accept accept4 setsockopt"
OTHER_PROCESSES = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_open"
    " pidfd_getfd pidfd_send_signal kcmp move_pages migrate_pages"
)
SYSTEM = (
    "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree"
    " open_tree_attr mount_setattr unshare setns swapon swapoff reboot kexec_load kexec_file_load"
    " init_module finit_module delete_module acct quotactl quotactl_fd syslog vhangup iopl ioperm"
    " sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex personality"
    " lookup_dcookie nfsservctl bpf perf_event_open name_to_handle_at open_by_handle_at modify_ldt"
)
CREDENTIALS = (
    "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset"
)
#: Memory that no limit of a process counts, or that the kernel keeps for it.
UNCOUNTED_MEMORY = (
    "memfd_create memfd_secret userfaultfd mlock mlock2 mlockall munlock munlockall add_key"
    " request_key keyctl io_uring_setup io_uring_enter io_uring_register io_setup fanotify_init"
    " fanotify_mark inotify_init inotify_init1 inotify_add_watch inotify_rm_watch"
    " vmsplice splice tee"
)
IPC = (
    "shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl"
    " mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"
)
SCHEDULING = (
    "setpriority sched_setscheduler sched_setparam sched_setattr sched_setaffinity ioprio_set"
)
NEW_PROCESSES = "fork vfork"
#: Creating, changing or removing named files.
NAMED_FILES = (
    "creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat rename renameat renameat2"
    " unlink unlinkat rmdir truncate chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat"
    " utime utimes futimesat utimensat"
)
#: Blocks that a file gets without being written, which RLIMIT_FSIZE does not bound.
PREALLOCATION = "fallocate"
#: Attributes stay on a file and its directory and can be read by the next program.
ATTRIBUTES = (
    "setxattr lsetxattr fsetxattr setxattrat getxattr lgetxattr fgetxattr getxattrat listxattr"
    " llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat"
    " file_getattr file_setattr"
)
#: Would write the files of others to disk; succeeds without effect.
WRITE_BACK = "sync syncfs"
#: Programs go on with read and write.
COPYING = "sendfile"
#: Answered as by a kernel without them: what no runtime needs, and what filters cannot judge.
UNNEEDED = (
    "clone3 openat2 copy_file_range sendmmsg recvmmsg seccomp landlock_create_ruleset"
    " landlock_add_rule landlock_restrict_self cachestat readahead remap_file_pages mbind"
    " set_mempolicy set_mempolicy_home_node statmount listmount lsm_get_self_attr lsm_set_self_attr"
    " lsm_list_modules io_destroy io_getevents io_pgetevents io_submit io_cancel uselib ustat sysfs"
    " _sysctl create_module get_kernel_syms query_module getpmsg putpmsg afs_syscall tuxcall"
    " security set_thread_area get_thread_area epoll_ctl_old epoll_wait_old vserver uretprobe"
    " uprobe"
)

GROUPS = (
    *(ALLOWED, CONDITIONAL, NETWORK, OTHER_PROCESSES, SYSTEM, CREDENTIALS, UNCOUNTED_MEMORY, IPC),
    *(SCHEDULING, NEW_PROCESSES, NAMED_FILES, PREALLOCATION, ATTRIBUTES, WRITE_BACK, COPYING),
    UNNEEDED,
)
