import sys

sys.stderr.write("AC\naccepted\n")
print("AC")
sys.exit(42)
