# The environment lives in .venv; the stamp is renewed when what it was made from changes.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/installed
EXTRAS := test

.PHONY: check test figures lint bench clean

check: $(STAMP)  ## the quick claims of every paper, with their verdict table
	$(BIN)/python -m verify run

test: $(STAMP)  ## verdicts against expectations, and the tests of our own code
	$(BIN)/pytest -q -n auto paper_checks tests

figures: $(STAMP)  ## every figure from stored records, into figures/
	$(BIN)/python -m verify.figures

lint: EXTRAS := dev
lint: $(STAMP)-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: EXTRAS := bench
bench: $(STAMP)-bench
	for script in benchmarks/*.py; do OMP_NUM_THREADS=1 $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv results figures

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(STAMP) $(STAMP)-dev $(STAMP)-bench: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@
