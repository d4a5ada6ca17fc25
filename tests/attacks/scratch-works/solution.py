import os

os.makedirs("some/where")
with open("some/where/file", "w") as file:
    file.write("safe")
os.rename("some/where/file", "some/file")
with open("some/file") as file:
    print(file.read())
