import socket

places = [
    ("169.254.170.2", 80),
    ("169.254.169.254", 80),
    ("127.0.0.1", 61614),
    ("127.0.0.1", 8080),
    ("localhost", 5671),
]
for place in places:
    try:
        socket.create_connection(place, timeout=0.1)
        print("leaked", place)
    except OSError:
        pass
    try:
        channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        channel.sendto(b"x", place)
        print("leaked", place)
    except OSError:
        pass
print("safe")
