# The commands that stay the same. Each does the set-up it needs by itself.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup demo test cover soak lint bench bench-gate docs mutate revision lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## make .venv/ with the command at .venv/bin/ringfence
	@.ci/setup run

demo: setup ## a whole campaign on a private Asterisk: calls, recordings, report
	@.venv/bin/ringfence demo

test: lint ## check everything, then ring real calls through a real Asterisk
	@echo "pytest …"
	@.venv/bin/pytest -q -m "not soak" --numprocesses 4 --dist loadfile --no-loadscope-reorder $(COVER)

cover: ## the tests once more, with what they do not reach: a third longer
	@$(MAKE) test COVER=--cov

soak: ## long campaigns: second agents with tones, calls against CDRs, prompts in noise, recorder, store and PBX killed 200 times (an hour)
	@.ci/setup dev
	@.venv/bin/pytest -q -m soak
	@.venv/bin/python -m tests.second_agents 20
	@.venv/bin/ringfence bench disclosure
	@.venv/bin/ringfence bench crash

lint: ## ruff, mypy --strict and the import contracts
	@.ci/setup dev
	@echo "ruff …" && .venv/bin/ruff check --quiet . && .venv/bin/ruff format --check --quiet .
	@echo "mypy …" && .venv/bin/mypy --no-error-summary
	@echo "lint-imports …" && said=$$(.venv/bin/lint-imports --no-logo) || { echo "$$said"; exit 1; }

bench: ## measure: gate, dialing, archive, import
	@.ci/setup bench
	@.venv/bin/ringfence bench all

bench-gate: ## the gate with ledgers of up to 10 million rows: half an hour, and 20 GB of disk meanwhile
	@.ci/setup bench
	@.venv/bin/ringfence bench gate

docs: ## write the generated parts of the documentation again
	@.ci/setup dev
	@.venv/bin/python -m tests.generated

mutate: ## change the pure modules line by line: does a unit test notice? (MODULES='gate windows'; all: two hours)
	@.ci/mutate $(MODULES)

revision: ## write the next revision of the database (MESSAGE='what changes')
	@.ci/revision '$(MESSAGE)'

lock: ## pin all dependencies again (UPGRADE=1 for newer versions)
	@.ci/lock

clean: ## take away all that make and the tools have made here
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
