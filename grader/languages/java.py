"""Java: one source file; the classes go into a jar, because a program is one plain file."""

from __future__ import annotations

from grader.languages.model import Language
from grader.languages.packing import packed

# A small heap and C1 only: a compiler that runs for half a second does not benefit from more.
_JAVAC = (
    "javac -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 -J-XX:-UsePerfData -J-Xmx512m"
    " -proc:none -encoding UTF-8 -Xmaxerrs 20"
)
_BUILD = f"""\
set -u
source=../compile/Main.java
compile() {{ {_JAVAC} -d classes "$1" 2>words; }}
if ! compile "$source"; then
    # A public class wants a file of its own name, and only the compiler knows which one that is.
    other='s/.* \\([^ /]*\\) is public, should be declared in .*/\\1/p'
    name=$(sed -n "$other" words | head -1)
    [ "$name" ] && cp "$source" "./$name.java" && compile "./$name.java" ||
        {{ cat words >&2; exit 1; }}
fi
cd classes && exec python3 -I -S -B -c "$1"
"""

JAVA = Language(
    name="java",
    title="Java",
    aliases=("java17", "jdk"),
    extension="java",
    version_argv=("javac", "-version"),
    compile_argv=("sh", "-c", _BUILD, "sh", packed("java_jar.py")),
    run_argv=(
        *("java", "-XX:+UseSerialGC", "-Xmx{heap_mb}m", "-XX:+ExitOnOutOfMemoryError"),
        # An array has to fit into one generation: the old one gets seven eighths of the heap.
        "-XX:NewRatio=7",
        # A large stack for recursion in the main thread only; each thread would reserve as much.
        *("-Xss64m", "-XX:ThreadStackSize=1024"),
        # Messages of the JVM go to stderr, not into the program's output.
        *("-XX:+DisplayVMOutputToStderr", "-Xlog:disable", "-Xlog:all=warning:stderr"),
        *("-XX:-UsePerfData", "-jar", "../run/program.jar"),
    ),
    policy="native",
    processes=64,
    # The JVM reserves gigabytes of address space.
    bound_address_space=False,
    runtime_resident_mb=48,
    least_memory_mb=48,
    out_of_memory=(
        b"java.lang.OutOfMemoryError",
        b"insufficient memory for the Java Runtime Environment",
    ),
    self_test="""\
public class Main {
    public static void main(String[] args) throws java.io.IOException {
        String[] words = new String(System.in.readAllBytes()).trim().split(" ");
        System.out.println(Long.parseLong(words[0]) + Long.parseLong(words[1]));
    }
}
""",
    source_file="Main.java",
    program_file="program.jar",
)
