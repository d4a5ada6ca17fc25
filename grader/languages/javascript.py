"""JavaScript: a CommonJS program for Node."""

from __future__ import annotations

from grader.languages.model import Language

#: In kB: as large as the stack of a Java program, instead of the default of 1 MB.
_STACK = "--stack-size=65500"
#: Checks the syntax once, so that an error is one compile error and not one per case.
_CHECK = """\
const fs = require('fs');
const source = fs.readFileSync('../compile/solution.js', 'utf8').replace(/^\\uFEFF|^#!.*/, '');
const given = ['exports', 'require', 'module', '__filename', '__dirname'];
try {
  require('vm').compileFunction(source, given, { filename: 'solution.js' });
} catch (error) {
  console.error(error.stack.split('\\n    at ')[0]);
  process.exit(1);
}
// Not a copy of the file: other users cannot read it with its mode.
fs.writeFileSync('solution.js', fs.readFileSync('../compile/solution.js'));
"""

JAVASCRIPT = Language(
    name="javascript",
    title="JavaScript (Node)",
    aliases=("js", "node", "nodejs"),
    extension="js",
    version_argv=("node", "--version"),
    compile_argv=("node", _STACK, "-e", _CHECK),
    compile_seconds=10,
    compile_memory_mb=256,
    program_file="solution.js",
    run_argv=(*("node", _STACK, "--max-old-space-size={heap_mb}", "../run/solution.js"),),
    policy="native",
    processes=64,
    # The runtime reserves gigabytes of address space.
    bound_address_space=False,
    runtime_resident_mb=48,
    least_memory_mb=48,
    out_of_memory=(b"heap out of memory", b"Array buffer allocation failed"),
    self_test="""\
const words = require('fs').readFileSync(0, 'utf8').split(/\\s+/);
console.log(Number(words[0]) + Number(words[1]));
""",
)
