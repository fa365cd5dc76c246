# Two commands, each with all of its own set-up: `make search` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
ARGS ?= --dataset digits --budget 600K --trials 16 --epochs 8

.PHONY: search test thorough lint types notebooks docs check wheel clean

search: $(VENV)/.installed
	$(BIN)/seesaw-nas search $(ARGS)

test: $(VENV)/.installed-dev
	$(PYTEST) -m "not thorough"

thorough: $(VENV)/.installed-dev
	$(PYTEST) -m thorough

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --config-file benchmarks/mypy.ini benchmarks

notebooks: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 analysis

docs: $(VENV)/.installed-docs
	$(BIN)/python docs/generate/prepare.py build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	$(BIN)/python docs/generate/check.py build/site

check: test thorough lint types notebooks docs search

wheel: $(VENV)/.installed-dev
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is wanted; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	$(INSTALL) --editable '.[docs]'
	touch $@
