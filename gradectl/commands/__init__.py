"""One file per verb: parse options, call, hand to ui; nothing else."""
