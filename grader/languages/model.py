"""The definition of a language: data without code."""

from __future__ import annotations

from dataclasses import dataclass

#: Minimum heap at any memory limit; with less, no runtime starts.
_LEAST_HEAP_MB = 16


@dataclass(frozen=True)
class Language:
    """
    How programs of one language are compiled and run.

    Args:
        name: Name in requests and results.
        title: Display name.
        aliases: Other names that requests may use.
        extension: Extension of the source file, without the dot.
        version_argv: Command that prints the version of the toolchain.
        compile_argv: Command of the compiler; empty if there is nothing to compile. The source is
            ``../compile/<source_name>``; the program is `program_file` in the working directory.
        compile_memory_mb: Memory limit of the compiler, MB.
        compile_seconds: CPU time limit of the compiler, seconds.
        run_argv: Command of the program. ``{memory_mb}`` stands for the memory limit,
            ``{heap_mb}`` for the part of it that is left for the heap.
        server_argv: Command of the fork server; empty if there is none.
        function_server_argv: The same for functions: with what most of them load, loaded already.
        policy: System call policy of the program.
        processes: Maximum number of processes and threads.
        bound_address_space: Whether the runtime works with a limit on address space.
        runtime_resident_mb: Memory of the runtime itself, MB; subtracted from the heap.
        least_memory_mb: Minimum memory limit at which an empty program runs, MB.
        out_of_memory: Messages on stderr that mean that memory was refused.
        self_test: A program that reads two numbers and prints their sum.
        source_file: Name of the source file; default ``solution.<extension>``.
        program_file: Name of the program that the compiler writes: one plain file.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    extension: str
    version_argv: tuple[str, ...]
    run_argv: tuple[str, ...]
    policy: str
    processes: int
    bound_address_space: bool
    self_test: str
    compile_argv: tuple[str, ...] = ()
    compile_memory_mb: int = 1024
    compile_seconds: int = 30
    server_argv: tuple[str, ...] = ()
    function_server_argv: tuple[str, ...] = ()
    runtime_resident_mb: int = 0
    least_memory_mb: int = 4
    out_of_memory: tuple[bytes, ...] = ()
    source_file: str = ""
    program_file: str = "program"

    @property
    def source_name(self) -> str:
        """Name of the source file inside the sandbox."""
        return self.source_file or f"solution.{self.extension}"

    @property
    def programs(self) -> tuple[str, ...]:
        """System programs that the language needs."""
        commands = (self.version_argv, self.compile_argv, self.run_argv)
        first = (command[0] for command in commands if command)
        return tuple(dict.fromkeys(name for name in first if not name.startswith("../")))

    def run_command(self, memory_mb: int) -> tuple[str, ...]:
        """Return the command of the program for a memory limit in MB."""
        heap_mb = max(_LEAST_HEAP_MB, memory_mb - self.runtime_resident_mb)
        values = {"{memory_mb}": str(memory_mb), "{heap_mb}": str(heap_mb)}
        return tuple(_replaced(word, values) for word in self.run_argv)

    def explain_memory(self, memory_mb: int) -> str:
        """Return an addition to the reason of MLE if the limit is too low for the runtime."""
        if memory_mb >= self.least_memory_mb:
            return ""
        return f"; an empty {self.title} program needs {self.least_memory_mb} MB"

    def was_refused_memory(self, stderr: bytes) -> bool:
        """Whether this stderr reports that memory was refused."""
        return any(marker in stderr for marker in self.out_of_memory)


def _replaced(word: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        word = word.replace(placeholder, value)
    return word
