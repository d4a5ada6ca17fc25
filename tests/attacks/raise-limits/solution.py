import resource

for kind in range(16):
    try:
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY:
            continue
        resource.setrlimit(kind, (hard + 1, hard + 1))
    except (OSError, ValueError):
        continue
    print("leaked", kind)
print("safe")
