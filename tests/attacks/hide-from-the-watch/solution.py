import ctypes

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE = 4
print("leaked" if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 else "safe")
