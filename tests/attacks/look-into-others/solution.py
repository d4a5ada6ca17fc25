import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PTRACE_TRACEME = 16, 0
child = os.fork()
if child == 0:
    os._exit(1 if libc.ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 else 0)
leaked = os.waitstatus_to_exitcode(os.wait()[1])
leaked += libc.ptrace(PTRACE_ATTACH, os.getppid(), 0, 0) == 0
buffer = ctypes.create_string_buffer(8)
leaked += libc.process_vm_readv(os.getpid(), buffer, 1, buffer, 1, 0) != -1
try:
    os.pidfd_open(os.getppid())
    leaked += 1
except OSError:
    pass
print("leaked" if leaked else "safe")
