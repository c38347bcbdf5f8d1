# The environment lives in .venv; the stamp is renewed when what it was made from changes.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/installed
EXTRAS := test
SEEDS := $(shell seq 100 100 2000)

.PHONY: check test figures report browser stability lint bench clean

check: $(STAMP)  ## the quick claims of every paper, with their verdict table
	$(BIN)/python -m verify run

test: $(STAMP)  ## verdicts against expectations, and the tests of our own code
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n auto --dist worksteal -m "not browser" paper_checks tests

figures: $(STAMP)  ## every figure from stored records, into figures/
	$(BIN)/python -m verify.figures

stability: $(STAMP)  ## every quick claim under twenty other seeds; fails if a verdict is not the expected one
	failed=""; for seed in $(SEEDS); do $(BIN)/python -m verify run --seed $$seed || failed="$$failed $$seed"; done; \
	test -z "$$failed" || { echo "unexpected verdicts under seeds$$failed"; exit 1; }

report: $(STAMP)  ## the pages people read, from stored records, into report/
	$(BIN)/python -m verify report

# Needs a Chromium: "apt-get install chromium" on Debian, ".venv/bin/playwright install chromium" elsewhere, or its path in
# the variable CHROMIUM. Fails where there is none; "pytest" by itself skips these tests then.
browser: $(STAMP)  ## the report in a headless Chromium
	$(BIN)/pytest -q -m browser --require-browser tests/report

lint: EXTRAS := dev
lint: $(STAMP)-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: EXTRAS := bench
bench: $(STAMP)-bench
	for script in benchmarks/*.py; do OMP_NUM_THREADS=1 $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv results figures report

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(STAMP) $(STAMP)-dev $(STAMP)-bench: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@
