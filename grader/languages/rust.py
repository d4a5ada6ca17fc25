"""Rust: one file of edition 2021 with the standard library."""

from __future__ import annotations

from grader.languages.model import Language

RUST = Language(
    name="rust",
    title="Rust",
    aliases=("rs",),
    extension="rs",
    version_argv=("rustc", "--version"),
    compile_argv=(
        *("rustc", "--edition", "2021", "-O", "--color", "never", "-C", "strip=symbols"),
        *("-o", "program", "../compile/solution.rs"),
    ),
    run_argv=("../run/program",),
    policy="native",
    processes=16,
    bound_address_space=True,
    out_of_memory=(b"memory allocation of ",),
    self_test="""\
fn main() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let sum: i64 = line.split_whitespace().map(|word| word.parse::<i64>().unwrap()).sum();
    println!("{}", sum);
}
""",
)
