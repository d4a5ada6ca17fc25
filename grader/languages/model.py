"""What a language is to the judge: data, no code."""

from __future__ import annotations

from dataclasses import dataclass

#: Below this no runtime is given less heap, however low the limit: it would not even start.
_LEAST_HEAP_MB = 16


@dataclass(frozen=True)
class Language:
    """
    How programs of one language are compiled and run.

    Args:
        name: What a request says, and results show.
        title: What people call it.
        aliases: What a request may say instead.
        extension: Of its source file, without the dot.
        version_argv: Prints the version of its toolchain.
        compile_argv: The compiler's command; empty when there is nothing to compile. It finds the
            source as ``../compile/<source_name>`` and leaves `program_file` where it runs.
        compile_memory_mb: What its compiler may use.
        compile_seconds: CPU time its compiler may use.
        run_argv: How to run what was compiled, or the source. ``{memory_mb}`` stands for the
            memory limit, ``{heap_mb}`` for what of it is left for the program's objects.
        server_argv: A fork server that starts its programs warm; empty: there is none.
        policy: System call policy of the running program.
        processes: Processes and threads it may have at once.
        bound_address_space: Whether its runtime can live with a bound on address space.
        runtime_memory_mb: What its runtime maps without using it; added to what the kernel is told
            to refuse, never to what the submission may use.
        runtime_resident_mb: What its runtime uses of the limit for itself; not left for the heap.
        least_memory_mb: Under a lower limit not even an empty program runs.
        out_of_memory: What its runtime writes to stderr when it is refused memory, any of these.
        self_test: A program in it that reads two numbers and writes their sum.
        source_file: Name of the source, where the language cares; default ``solution.<extension>``.
        program_file: What the compiler leaves: one plain file.
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
    runtime_memory_mb: int = 0
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
        """The system programs without which the language is not there at all."""
        commands = (self.version_argv, self.compile_argv, self.run_argv)
        first = (command[0] for command in commands if command)
        return tuple(dict.fromkeys(name for name in first if not name.startswith("../")))

    def run_command(self, memory_mb: int) -> tuple[str, ...]:
        """How to run it under a memory limit in MB."""
        heap_mb = max(_LEAST_HEAP_MB, memory_mb - self.runtime_resident_mb)
        values = {"{memory_mb}": str(memory_mb), "{heap_mb}": str(heap_mb)}
        return tuple(_replaced(word, values) for word in self.run_argv)

    def explain_memory(self, memory_mb: int) -> str:
        """What to add to a verdict on memory under a limit that its runtime alone passes."""
        if memory_mb >= self.least_memory_mb:
            return ""
        return f"; an empty {self.title} program needs {self.least_memory_mb} MB"

    def was_refused_memory(self, words: bytes) -> bool:
        """Whether a program that wrote this to stderr ended for want of memory."""
        return any(marker in words for marker in self.out_of_memory)


def _replaced(word: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        word = word.replace(placeholder, value)
    return word
