import os

os.close(0)
os.close(2)
os.closerange(3, 4096)
os.write(1, b"safe\n")
