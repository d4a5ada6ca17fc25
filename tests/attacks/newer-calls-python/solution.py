import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
for number in (463, 466, 467, 469, *range(470, 1000)):
    failed = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6) == -1
    refused = ctypes.get_errno() in {errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP}
    if not failed or not refused or (number >= 470 and ctypes.get_errno() != errno.ENOSYS):
        print("leaked", number)
print("safe")
