# make demo   set up everything and run the demonstration (config/config.yaml, no network after
#             the installation): a simulated sky, training, Table 1 and figures below results/
# make report  the finished run as Snakemake's report, results/report/workflow.{html,zip}
# make test   set up everything and run the tests
# make lint   formatting, docstrings, spelling, types, workflow

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
REPORT := --report-stylesheet workflow/report/report.css
TESTS ?= -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo report test lint install clean

demo: $(VENV)/.run
	$(BIN)/snakemake --cores all
	@cat results/tables/table1_jwst.md
	@echo "Tables, figures and models are below results/"

report: $(VENV)/.run
	$(BIN)/snakemake --report results/report/workflow.html $(REPORT)
	$(BIN)/snakemake --report results/report/workflow.zip $(REPORT)
	@echo "Open results/report/workflow.html; results/report/index.html is for others"

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/codespell
	git ls-files 'galrestore/*.py' | xargs $(BIN)/python -m numpydoc.hooks.validate_docstrings
	$(BIN)/mypy galrestore
	$(BIN)/snakemake --lint

install: $(VENV)/.dev

$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,slurm]'
	@touch $@

clean:
	rm -rf $(VENV) .snakemake results/*
