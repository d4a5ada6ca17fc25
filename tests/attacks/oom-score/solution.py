import time

try:
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("0")
except OSError:
    print("safe")
else:
    time.sleep(0.2)
    print("leaked")
