import os

os.mkfifo("program", 0o777)
