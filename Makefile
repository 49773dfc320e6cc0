# Two commands do everything on a fresh Linux machine: `make demo` and `make test`.
.PHONY: demo test test-rootless check setup format bench clean

demo: setup        ## build the reference architecture and print its explained access matrix
	@.venv/bin/casemate demo

test: check        ## everything CI runs
	@scripts/test

test-rootless: setup ## the kernel's tests and every statement, as a user without privilege; about 7 minutes
	@scripts/test-rootless

check: setup       ## format, lint, types, import contracts, dependencies
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/basedpyright
	@.venv/bin/lint-imports --no-cache >/tmp/casemate-lint-imports.$$$$ || { cat /tmp/casemate-lint-imports.$$$$; exit 1; }; rm -f /tmp/casemate-lint-imports.*
	@.venv/bin/deptry src
	@.venv/bin/python scripts/docs.py --check

format: setup      ## apply the formatter and the safe fixes, regenerate docs
	@.venv/bin/ruff check --fix -q . || true
	@.venv/bin/ruff format -q .
	@.venv/bin/python scripts/docs.py

setup:             ## make .venv with everything; quick when nothing changed
	@scripts/setup

bench: setup       ## measure; see bench/README.md
	@.venv/bin/python -m bench

clean:
	rm -rf .venv .casemate .pytest_cache .ruff_cache .hypothesis
