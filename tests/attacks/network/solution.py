import socket

kinds = [
    (socket.AF_INET, socket.SOCK_STREAM, 0),
    (socket.AF_INET, socket.SOCK_DGRAM, 0),
    (socket.AF_INET6, socket.SOCK_STREAM, 0),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    (socket.AF_NETLINK, socket.SOCK_RAW, 0),
    (socket.AF_PACKET, socket.SOCK_RAW, 0),
]
for kind in kinds:
    try:
        socket.socket(*kind)
    except OSError:
        continue
    print("leaked", kind)
try:
    socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    print("leaked datagrams")
except OSError:
    pass
first, second = socket.socketpair()
first.send(b"safe")
print(second.recv(4).decode())
