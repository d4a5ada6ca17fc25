import sys

sys.stdout.write("safe")
