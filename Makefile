# `make run` and `make test` are all a fresh clone needs; see docs/windows.md for the same without make.
.DEFAULT_GOAL := help
.PHONY: help run test test-engines lint types bench fuzz setup setup-dev bundle packages gpu-package smoke lock clean

BIN := .venv/bin
# The first Python that fits; a shim that leads nowhere is passed over.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& command -v "$$p" && break; done)
PYTHON := $(PYTHON)
need_python = @test -n "$(PYTHON)" || { \
	echo "Edgewise needs Python 3.11 to 3.14; python3 here is $$(python3 --version 2>/dev/null || echo missing)."; \
	echo "On Debian 12, Ubuntu 24.04 or newer:  sudo apt-get install -y python3 python3-venv"; exit 1; }
ARGS ?=

help:
	@echo "make run     set up and open Edgewise (with ARGS=\"...\" as its command line)"
	@echo "make test    set up and run every test (ARGS=\"-k name\" for some)"
	@echo "make test-engines"
	@echo "             the common tests of engines on those that are installed: takes 4 GB and a while"
	@echo "make lint    style, formatting and the import contracts"
	@echo "make types   mypy, strict"
	@echo "make bench   the benchmarks, as JSON"
	@echo "make fuzz    coverage-guided fuzzing of model files (with SECONDS=\"...\" for longer than a minute each)"
	@echo "make bundle  the folder that people install, in dist/Edgewise; packages makes .deb and tar.gz of it"
	@echo "make gpu-package GPU=vulkan"
	@echo "             llama.cpp's part for GPUs as a wheel, vulkan or cuda"
	@echo "make smoke   installs the .deb on bare Debian systems and uses it there (as root)"
	@echo "make lock    resolve the versions in requirements/ anew"
	@echo "make clean   remove everything that setting up, testing and building made"

setup:
	$(need_python)
	@"$(PYTHON)" -m build.bootstrap setup

setup-dev:
	$(need_python)
	@"$(PYTHON)" -m build.bootstrap setup --dev

run: setup
	@$(BIN)/python -m build.starter_model
	@$(BIN)/python -m app $(ARGS)

test: setup-dev
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

# Other engines than llama.cpp, installed into .cache/engines once. Nothing else may run beside them: one at a time
# fills two processors.
test-engines: setup-dev
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m installed_engines $(ARGS)

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

types: setup-dev
	@$(BIN)/mypy

bench: setup-dev
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/python -m tests.benchmarks $(ARGS)

SECONDS ?= 60
fuzz: setup-dev
	@$(BIN)/python -m tests.fuzz.gguf_header -max_total_time=$(SECONDS)
	@$(BIN)/python -m tests.fuzz.header_values -max_total_time=$(SECONDS)

bundle:
	$(need_python)
	@"$(PYTHON)" -m build.bundle $(ARGS)

packages:
	$(need_python)
	@"$(PYTHON)" -m build.packages $(ARGS)

GPU ?= vulkan
gpu-package:
	$(need_python)
	@"$(PYTHON)" -m build.gpu_package $(GPU) $(ARGS)

smoke: setup-dev
	@$(BIN)/python -m pytest -m bare_system $(ARGS)

lock:
	$(need_python)
	@"$(PYTHON)" -m build.bootstrap lock

clean:
	rm -rf .venv .cache dist .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find app build tests -name __pycache__ -type d -prune -exec rm -rf {} +
