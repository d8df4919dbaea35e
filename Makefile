# Needs git, make and some Python 3.12 or newer; everything else goes into .venv.

CANDIDATES := $(PYTHON) python python3.13 python3.12 python3.14 python3
SUITABLE := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help .venv demo lint types test check pages docs outputs mutants bench calibrate reference dist format clean

help:  ## Say what can be made.
	@sed -n 's/^\([a-z.]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

.venv: $(BIN)/.installed-test  ## Set up Python and everything for development in .venv.

demo: $(BIN)/.installed-examples  ## Ask the HELP study: does the alliance lead days without alcohol, or the reverse?
	$(BIN)/alliance-bayes demo --overwrite

lint: $(BIN)/.installed-test  ## Linter and form of the code, a second.
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .

types: $(BIN)/.installed-test  ## Type checker.
	$(BIN)/mypy

test: lint types  ## Linter, type checker, doctests and fast tests.
	$(BIN)/pytest -n 2 --doctest-modules src tests

check: test  ## Everything in test, then the slow tests.
	$(BIN)/pytest -m slow

pages: $(BIN)/.installed-test  ## Open the pages of three studies in a browser; fails where there is none.
	BROWSER_IS_NEEDED=1 $(BIN)/pytest tests/pages/test_in_browser.py -m 'slow or not slow'

docs: $(BIN)/.installed-test  ## Build the site in docs/_build/html; every page is executed, warnings are errors.
	rm -rf docs/_build/html docs/generated
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/sphinx-build -b html -j auto -q -W --keep-going docs docs/_build/html

outputs: $(BIN)/.installed-test  ## Write what is shown of runs: README's output, the notebook of the first answer.
	WRITE_OUTPUTS=1 $(BIN)/pytest tests/test_documentation.py -k 'output or notebook'

mutants: $(BIN)/.installed-test  ## Break each rule that users rely on once; a test must notice each time.
	$(BIN)/python tests/mutants/break_rules.py

bench: $(BIN)/.installed-test  ## Measure beside Stan, lavaan, pathmc and plain PyMC, where they can be had.
	-$(BIN)/python tests/benchmarks/set_up.py
	$(BIN)/python tests/benchmarks

calibrate: $(BIN)/.installed-test  ## Calibrate every kind of model and write docs/calibration.md: hours, resumable; says what it costs first.
	$(BIN)/python tests/benchmarks/calibration.py

reference: $(BIN)/.installed-test  ## Write the reference of model files, docs/model_file.md and its schema.
	$(BIN)/alliance-bayes reference >docs/model_file.md
	$(BIN)/alliance-bayes reference --schema >docs/model_file.schema.json

dist: $(BIN)/.installed-test  ## Build an sdist, and a wheel with object code for this system and Python.
	$(INSTALL) build setuptools
	rm -rf dist
	find src -name object_code -exec rm -rf {} +
	$(BIN)/python -m build --no-isolation --sdist
	$(BIN)/python -m alliance_bayes.compile --for-wheel
	$(BIN)/python -m build --no-isolation --wheel \
	    -C=--build-option="--python-tag=cp$$($(BIN)/python -c 'import sys; print(*sys.version_info[:2], sep="")')" \
	    -C=--build-option="--plat-name=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_platform())')"
	find src -name object_code -exec rm -rf {} +

format: $(BIN)/.installed-test  ## Put the code into its form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what was built, installed and written.
	rm -rf .venv .venv-stan .venv-pathmc build dist docs/_build docs/generated src/*.egg-info demo-output .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -exec rm -rf {} +  # also numba's compiled kernels

# `python` comes early because .python-version chooses it; a shim may exist and yet not run.
$(BIN)/python:
	@for python in $(CANDIDATES); do \
	    if $$python -c '$(SUITABLE)' >/dev/null 2>&1; then \
	        echo "Making .venv with $$python, $$($$python --version)"; \
	        $$python -m venv .venv && exit 0; \
	        rm -rf .venv; exit 1; \
	    fi; \
	done; \
	echo "alliance_bayes needs Python 3.12 or newer with venv, and none was found; install one, or say where it is: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

$(BIN)/.installed-examples: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[examples]'
	@touch $@

$(BIN)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[test]'
	@touch $(BIN)/.installed-examples $@
