import os

fields = dict(
    line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line
)
safe = (
    fields["CapEff"].strip() == fields["CapPrm"].strip() == "0" * 16
    and fields["NoNewPrivs"].strip() == "1"
    and fields["Seccomp"].strip() == "2"
    and not os.getgroups()
    and 0 not in os.getresuid() + os.getresgid()
)
for attempt in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        attempt()
        safe = False
    except OSError:
        pass
print("safe" if safe else "leaked")
