import ctypes

libc = ctypes.CDLL(None, use_errno=True)
NEW_USER, NEW_NET, NEW_NS = 0x10000000, 0x40000000, 0x00020000
for flags in (NEW_USER, NEW_NET, NEW_NS, NEW_USER | NEW_NET):
    if libc.unshare(flags) == 0:
        print("leaked unshare")
if libc.syscall(56, NEW_USER | 17, 0, 0, 0, 0) != -1:
    print("leaked clone")
if libc.chroot(b".") == 0 or libc.mount(b"none", b"/tmp", b"tmpfs", 0, 0) == 0:
    print("leaked mount")
print("safe")
