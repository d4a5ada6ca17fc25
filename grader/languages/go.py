"""Go: one file with the standard library."""

from __future__ import annotations

from grader.languages.model import Language

# GOCACHE needs an absolute path, which only the sandbox knows.
_BUILD = """\
GOCACHE=$TMPDIR/cache GO111MODULE=off CGO_ENABLED=0 \\
exec go build -ldflags=-s -o program ../compile/solution.go
"""

GO = Language(
    name="go",
    title="Go",
    aliases=("golang",),
    extension="go",
    version_argv=("go", "version"),
    compile_argv=("sh", "-c", _BUILD),
    run_argv=("../run/program",),
    policy="native",
    processes=64,
    # The runtime reserves gigabytes of address space; the launcher sets GOMEMLIMIT for its garbage
    # collector.
    bound_address_space=False,
    least_memory_mb=8,
    out_of_memory=(b"out of memory",),
    self_test="""\
package main

import "fmt"

func main() {
	var a, b int
	fmt.Scan(&a, &b)
	fmt.Println(a + b)
}
""",
)
