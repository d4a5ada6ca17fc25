import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
IMMUTABLE, GET_FLAGS, SET_FLAGS = 0x10, 0x8008_6601, 0x4008_6602


def attempts() -> None:
    here = os.open(".", os.O_RDONLY)
    for where in (".", "..", "/tmp", here):
        yield f"setxattr {where}", lambda where=where: os.setxattr(where, "user.mark", b"x")
        yield f"getxattr {where}", lambda where=where: os.getxattr(where, "user.mark")
    with open("mine", "w") as mine:
        yield "setxattr of a file", lambda: os.setxattr(mine.fileno(), "user.mark", b"x")
        flags = ctypes.c_long()
        for descriptor in (here, mine.fileno()):
            if libc.ioctl(descriptor, ctypes.c_ulong(GET_FLAGS), ctypes.byref(flags)) == 0:
                print("leaked flags")
            flags.value |= 0x40  # NODUMP, which owners may set
            if libc.ioctl(descriptor, ctypes.c_ulong(SET_FLAGS), ctypes.byref(flags)) == 0:
                print("leaked flags")


for name, attempt in attempts():
    try:
        attempt()
    except OSError:
        continue
    print("leaked", name)
value = ctypes.create_string_buffer(b"x")
attribute = (ctypes.c_ulong * 2)(ctypes.addressof(value), 1)  # its address, and its size
newer = (463, -100, b".", 0, b"user.mark", ctypes.byref(attribute), ctypes.sizeof(attribute))
wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in newer]
if libc.syscall(*wide) == 0:
    print("leaked setxattrat")
print("safe")
