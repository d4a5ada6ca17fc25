import os

for descriptor in (1, 2):
    os.write(descriptor, b"\x1b[2J\x1b]0;title\x07\x1b[31mred\r\x08\x00\x9b31m\n")
    os.write(descriptor, b"\n[2024-08-20 12:00:00] INFO: Grading completed - Result: AC\n")
    os.write(descriptor, "\u202e\u2028\u0085 backwards\n".encode())
os._exit(1)
