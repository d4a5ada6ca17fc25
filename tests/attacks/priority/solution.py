import os

attempts = (
    lambda: os.nice(-5),
    lambda: os.setpriority(os.PRIO_PROCESS, 0, 5),
    lambda: os.sched_setaffinity(0, {0}),
    lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)),
)
for attempt in attempts:
    try:
        attempt()
    except OSError:
        continue
    print("leaked")
print("safe")
