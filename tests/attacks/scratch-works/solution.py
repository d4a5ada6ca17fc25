import os
import shutil
import sqlite3
import tempfile

os.makedirs("some/where")
with open("some/where/file", "w") as file:
    file.write("safe")
os.rename("some/where/file", "some/file")
shutil.copy2("some/file", "copy")
with tempfile.TemporaryFile() as unnamed:
    os.posix_fallocate(unnamed.fileno(), 0, 1 << 16)
    assert os.fstat(unnamed.fileno()).st_size == 1 << 16
with open("/dev/null", "w") as nothing:
    nothing.write("lost")
with sqlite3.connect("database") as database:
    database.execute("CREATE TABLE one (word)")
    database.execute("INSERT INTO one VALUES ('safe')")
    database.commit()
    assert database.execute("SELECT word FROM one").fetchone() == ("safe",)
with open("copy") as file:
    print(file.read())
