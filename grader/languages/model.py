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

    @property
    def source_name(self) -> str:
        """Name of the source file inside the sandbox."""
        return f"solution.{self.extension}"
