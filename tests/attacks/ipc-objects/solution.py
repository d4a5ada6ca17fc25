import ctypes

libc = ctypes.CDLL(None, use_errno=True)
CREATE = 0o1777
made = [libc.shmget(0, 4096, CREATE), libc.semget(0, 1, CREATE), libc.msgget(0, CREATE)]
queue = libc.mq_open(b"/left-behind", 0o102, 0o777, None)
print("leaked" if [one for one in [*made, queue] if one != -1] else "safe")
