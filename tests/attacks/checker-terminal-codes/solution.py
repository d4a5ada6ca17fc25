import os

os.write(
    1, b"\x1b[2J\x1b]0;title\x07\x1b[31mred\r\x08\x00\x9b31m\xff\xfe" + "\u202e\u2028".encode()
)
