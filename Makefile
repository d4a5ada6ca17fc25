# Every target does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python

.PHONY: help setup languages demo test attacks fast lint format validate bench docs pins clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what this machine lacks; the second time it takes a second
	@scripts/setup

languages: ## set up, and install the compilers of all languages that are graded
	@scripts/setup languages

demo: setup ## deploy `local`, grade real submissions, prove the queues (KEEP=1 leaves it running)
	@exec $(PY) examples/demo

test: languages ## run all tests, against real engines
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

attacks: languages ## let hostile programs loose on the sandbox: a table, then 1,000 in mixed order (ARGS='--runs 100')
	@exec $(PY) tests/attacks $(ARGS)

fast: setup ## run the tests that need no engine
	@exec $(PY) -m pytest -q -m 'not engine and not stack' $(ARGS)

lint: setup ## ruff, mypy, terraform fmt
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: setup ## let ruff and terraform put the white space right
	@$(PY) -m ruff format .
	@terraform fmt -recursive modules environments

validate: setup ## all that gradectl validate checks: terraform, checkov, cfn-lint, generated files (ARGS=...)
	@scripts/checkov
	@exec .venv/bin/gradectl validate $(ARGS)

bench: languages ## measure; writes build/bench.json, each figure with a baseline (ARGS=judge: without the local stack)
	@exec $(PY) benchmarks $(ARGS)

docs: setup ## write the generated documentation again
	@$(PY) scripts/reference.py

pins: setup ## renew requirements/*.txt from what is installed
	@$(PY) -m pip freeze --exclude-editable > requirements/constraints.txt

clean: ## remove what the other targets made, in this folder only
	rm -rf .venv .venv-checkov .venv-dmoj build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
