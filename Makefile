# Every target sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
# Else every process compiles our modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup languages image demo test test-all attacks chaos fast lint format validate bench docs pins publish-modules release clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what this machine lacks; a second run takes a second
	@scripts/setup

languages: ## set up, and install the compilers of all languages
	@scripts/setup languages

image: ## set up, and install what builds and tests the image of the worker, and a browser
	@scripts/setup image

demo: $(if $(IMAGE),image,setup) ## deploy `local`, grade real submissions (KEEP=1: keep it and its page running; IMAGE=1: run the image; TRANSPORT=sqs)
	@IMAGE=$(IMAGE) TRANSPORT=$(TRANSPORT) exec $(PY) examples/demo

# Three processes on two processors: tests on engines wait more than they compute.
# A run with 25 failures tells no more by going on, and an engine that is gone fails many tests slowly.
PYTEST := -m pytest -n 3 --dist loadfile --no-loadscope-reorder --maxfail 25

test: image ## run the tests, against real engines
	-@scripts/ministack
	@exec $(PY) $(PYTEST) -m 'not exhaustive' $(ARGS)

test-all: image ## run the tests and the exhaustive ones too, as before a release
	-@scripts/ministack
	@exec $(PY) $(PYTEST) $(ARGS)

attacks: languages ## run hostile programs in the sandbox, then 1,000 in two boxes at once (ARGS='--runs 100')
	@exec $(PY) tests/attacks $(ARGS)

chaos: setup ## fault every part of a running system with 500 requests in flight (ARGS=kill_broker; TRANSPORT=sqs)
	@PYTHONPATH=tests/chaos:tests/support exec $(PY) -m chaos $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

fast: setup ## run the tests that need no engine
	@exec $(PY) -m pytest -q -n 2 -m 'not engine and not stack and not exhaustive' $(ARGS)

WORKFLOWS := .github/workflows/*.yml examples/pipelines/github/*.yml

lint: setup ## run ruff, mypy, actionlint, zizmor and hadolint
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/actionlint $(WORKFLOWS)
	@.venv/bin/zizmor --quiet --offline --config .github/zizmor.yml .github/actions $(WORKFLOWS)
	@.venv/bin/hadolint Dockerfile

format: setup ## format Python and Terraform files
	@$(PY) -m ruff format .
	@terraform fmt -recursive modules environments

validate: setup ## run gradectl validate: terraform, checkov, cfn-lint, generated files (ARGS=...)
	@scripts/checkov
	@exec .venv/bin/gradectl validate $(ARGS)

bench: ## measure; writes build/bench.json, each figure with a baseline (ARGS=judge: without the local stack)
	@scripts/setup bench
	@exec $(PY) benchmarks $(ARGS)

docs: setup ## regenerate the generated documentation
	@$(PY) scripts/reference.py

pins: setup ## renew requirements/*.txt from the installed packages
	@$(PY) -m pip freeze --exclude-editable > requirements/constraints.txt

publish-modules: setup ## write each module in the layout of Terraform's registries (ARGS='--registry HOST/NAMESPACE')
	@$(PY) scripts/publish_modules.py $(ARGS)

release: setup ## check that VERSION can be released; prints the commands that do it, changes nothing
	@$(PY) scripts/release.py $(VERSION)

clean: ## remove what the other targets created, in this folder only
	rm -rf .venv .venv-checkov .venv-dmoj .venv-ministack .venv-awscli build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
