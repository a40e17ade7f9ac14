# Everything a person or a machine runs. Each target sets up what it needs, once.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

STACK ?= dev
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup up down preview-all test test-quick test-full coverage check test-image bench clean-images

help:
	@echo 'make up      set up, start the local RunPod, deploy stack dev to it, say what to try next'
	@echo '             RUNTIME=process: workers are processes, and no image is built'
	@echo 'make down    destroy the stack and stop the local RunPod, and what it started to build images'
	@echo 'make clean-images  stop what builds and keeps images on this machine, and delete them'
	@echo 'make preview-all  what an update would do to each stack, side by side, on the local RunPod'
	@echo 'make test    set up, run the tests; ARGS="-k name" goes to pytest'
	@echo 'make test-quick  those without engine, Docker, browser and processes, in a minute or two'
	@echo 'make test-full   all of them, exhaustive ones included, with random cases'
	@echo 'make coverage    the same as make test, then the lines and branches that no test reached'
	@echo 'make test-image  build, push and run the whole image of the SDXL worker; minutes, and 25 GB of free disk'
	@echo 'make check   lint, types, workflows and language'
	@echo 'make bench   measure, report, assert nothing'
	@echo 'make setup   set-up alone'
	@echo 'STACK=staging make up picks another stack; one with a RunPod account shows its plan and asks'

setup:
	@$(PYTHON) tools/setup.py $(addprefix --only ,$(ONLY))

up: setup
	@.venv/bin/python tools/stack.py up $(STACK)

down: setup
	@.venv/bin/python tools/stack.py down $(STACK)

clean-images:
	@$(PYTHON) tools/images.py clean

preview-all: setup
	@.venv/bin/python tools/preview_all.py

# A Docker engine that was not there before is gone afterwards.
WITH_ENGINE = before=$$($(PYTHON) tools/images.py running); \
	trap '[[ $$before == *dockerd* ]] || $(PYTHON) tools/images.py stop dockerd' EXIT; \
	$(PYTHON) tools/setup.py --only engine

test: setup
	@$(PYTHON) tools/setup.py --only browser --only sdk2 --only actionlint --only vale --only languages
	@$(PYTHON) tools/setup.py --only images || echo 'The tests that build images will be skipped.'
	@$(WITH_ENGINE); .venv/bin/python tools/run_tests.py $(ARGS)

test-quick:
	@$(PYTHON) tools/setup.py --only python
	@.venv/bin/python tools/run_tests.py --quick $(ARGS)

test-full: setup
	@$(PYTHON) tools/setup.py --only browser --only sdk2 --only actionlint --only vale --only languages
	@$(PYTHON) tools/setup.py --only images || echo 'The tests that build images will be skipped.'
	@$(WITH_ENGINE); .venv/bin/python tools/run_tests.py --full $(ARGS)

coverage: setup
	@$(PYTHON) tools/setup.py --only browser --only sdk2 --only actionlint --only vale
	@rm -rf .coverage .coverage.*
	@$(WITH_ENGINE); status=0; COVERAGE=1 .venv/bin/python tools/run_tests.py $(ARGS) || status=$$?; \
		.venv/bin/coverage combine --quiet; .venv/bin/coverage report; exit $$status

test-image: setup
	@$(PYTHON) tools/setup.py --only images
	@$(WITH_ENGINE); .venv/bin/python -m pytest -s tests/sdxl_image

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	"$$($(PYTHON) tools/setup.py --print actionlint)" -color
	.venv/bin/zizmor --offline --quiet .github/workflows
	.venv/bin/python tools/prose.py "$$($(PYTHON) tools/setup.py --print vale)"

bench: setup
	for name in control_plane job_plane sdk_jobs load_balancer console s3_upload quota provider warm_job image_build preview_comment; do echo "== $$name"; .venv/bin/python tests/bench/$$name.py; done
	OMP_NUM_THREADS=1 PYTHONPATH=worker .venv-worker/bin/python tests/bench/worker_overhead.py
