"""What a language is to the judge: data, no code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """
    How programs of one language are compiled and run.

    Args:
        name: What a request says, and results show.
        aliases: What a request may say instead.
        extension: Of its source file, without the dot.
        compile_argv: The compiler's command; empty when there is nothing to compile. It finds the
            source as ``../compile/<source_name>`` and leaves ``program`` where it runs.
        run_argv: How to run what was compiled, or the source.
        policy: System call policy of the running program.
        bound_address_space: Whether its runtime can live with a bound on address space.
        processes: Processes and threads it may have at once.
        out_of_memory: What its runtime writes to stderr when it is refused memory.
        title: What people call it.
        version_argv: Prints the version of its toolchain; its first word is the program without
            which the language is not there at all.
        self_test: A program in it that reads two numbers and writes their sum.
        source_file: Name of the source, where the language cares; default ``solution.<extension>``.
        program_file: What the compiler leaves.
        runtime_memory_mb: What its runtime needs for itself; added to what the kernel is told to
            refuse, never to what the submission may use.
        server_argv: A fork server that starts its programs warm; empty: there is none.
        compile_memory_mb: What its compiler may use.
    """

    name: str
    aliases: tuple[str, ...]
    extension: str
    run_argv: tuple[str, ...]
    policy: str
    bound_address_space: bool
    processes: int
    compile_argv: tuple[str, ...] = ()
    out_of_memory: bytes = b""
    title: str = ""
    version_argv: tuple[str, ...] = ()
    self_test: str = ""
    source_file: str = ""
    program_file: str = "program"
    runtime_memory_mb: int = 0
    server_argv: tuple[str, ...] = ()
    compile_memory_mb: int = 1024

    @property
    def source_name(self) -> str:
        """Name of the source file inside the sandbox."""
        return self.source_file or f"solution.{self.extension}"

    def run_command(self, memory_mb: int) -> tuple[str, ...]:
        """How to run it under a memory limit; ``{memory_mb}`` in `run_argv` stands for that."""
        return tuple(word.replace("{memory_mb}", str(memory_mb)) for word in self.run_argv)
