# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The Python of the system starts faster than one that a version manager built, and each module call starts one.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
# Another folder here (with another PYTHON) runs the same targets with other versions: see `versions`.
VENV ?= .venv
# More arguments for pytest, e.g. make unit PYTEST_ARGS="-k rasd -x"
PYTEST_ARGS ?=

PACKAGES := gcc git libc6-dev libvirt-dev make pkg-config python3-dev python3-venv
LABORATORY_PACKAGES = $(shell sed 's/\#.*//' tests/laboratory/packages.txt tests/wbem/packages.txt 2>/dev/null)
# In this order; what keeps one processor busy goes beside what keeps the other one: see tests/tools/checks.sh.
CHECKS := deps setup-dev+deps-laboratory lint,types,sanity,older,docs,build+setup-newer,scenarios unit newer integration
SHIPPED := README.md changelogs docs extensions galaxy.yml meta playbooks plugins roles
PLUGINS := collections/ansible_collections/svpc/virt/plugins
SANITY := .cache/sanity/$(notdir $(VENV))
COVERAGE := .cache/coverage$(patsubst %,-%,$(filter-out .venv,$(notdir $(VENV))))

export PATH := $(abspath $(VENV))/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export LC_ALL := C.UTF-8
# Tests and demonstration use the checkout and hosts of their own, never what the caller's environment names.
unexport ANSIBLE_COLLECTIONS_PATH ANSIBLE_INVENTORY PYTHONPATH SVPC_URI LIBVIRT_DEFAULT_URI

# Ansible finds the checkout as a collection through this link. Where a copy lost it, or turned it into a file, make it anew.
LINK := collections/ansible_collections/svpc/virt
$(shell [ -L $(LINK) ] || { rm -f $(LINK); mkdir -p $(dir $(LINK)); ln -s ../../.. $(LINK); })

# A virtual environment does not survive being moved or copied: make it anew.
$(shell [ ! -e $(VENV)/bin/pip ] || head -c 400 $(VENV)/bin/pip | grep -qF '$(abspath $(VENV))/' || rm -rf $(VENV))

.PHONY: help demo test bench setup setup-dev setup-newer deps deps-laboratory root format lint types unit newer older versions \
	sanity integration scenarios docs build changelog release-check lock lab clean

help: ## Show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

demo: root setup deps-laboratory ## Set up what is needed, then declare virtual machines on a private host, by libvirt and by WBEM, and show what happens
	@PYTHONPATH=collections python -m tests.demo

test: root ## Run every check: lint types sanity older docs build scenarios unit newer integration
	@MAKE='$(MAKE)' bash tests/tools/checks.sh $(CHECKS)

bench: root setup deps-laboratory ## Measure how long runs take; BENCH="unchanged --quick" measures a part, BENCH=--write writes docs/performance.md
	@PYTHONPATH=collections python -m tests.bench $(BENCH)

# --- Set-up --------------------------------------------------------------------------------------------------------

setup: $(VENV)/run.ok ## Install what is needed to use the collection

setup-dev: $(VENV)/dev.ok ## Install what is needed to work on the collection

deps:
	@sh tests/tools/packages.sh $(PACKAGES)

deps-laboratory:
	@sh tests/tools/packages.sh $(LABORATORY_PACKAGES)

# Private hosts have their own mounts and networks.
root:
	@[ "$$(id -u)" = 0 ] || { echo 'Packages and private libvirt hosts need root: run "sudo make $(or $(filter-out root,$(MAKECMDGOALS)),test)"; without root there are "make lint types unit sanity docs build", and playbooks of your own with "uri: qemu:///session".' >&2; exit 1; }

$(VENV)/bin/pip: | deps
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ansible-core 2.19 needs Python 3.11 or newer, and $(PYTHON) is %d.%d: name another one with make PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.ok: requirements.txt | $(VENV)/bin/pip
	$(VENV)/bin/pip install -qq --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Most of what these packages hold is never imported: Python compiles the rest when it is.
$(VENV)/dev.ok: requirements-dev.txt | $(VENV)/bin/pip
	$(VENV)/bin/pip install -qq --disable-pip-version-check --require-hashes --no-compile -r $<
	@touch $@ $(VENV)/run.ok

# --- Checks --------------------------------------------------------------------------------------------------------

format: setup-dev ## Format the sources, and correct what can be corrected mechanically
	ruff check --quiet --fix --unsafe-fixes --select F401,I,UP . || true
	ruff check --fix .
	ruff format .

lint: setup-dev ## Check style, playbooks, changelog fragments, and that plugins/ keeps to Python 3.9
	ruff check .
	ruff format --check .
	vermin --quiet --no-tips --violations --target=3.9- plugins
	ansible-lint
	antsibull-changelog lint

types: setup-dev ## Check types
	mypy $(PLUGINS) tests

unit: setup-dev ## Run the unit tests
	COVERAGE_FILE=$(COVERAGE) pytest -q -n 2 --cov=plugins --cov-report=html:$(COVERAGE)-html $(PYTEST_ARGS)
	@echo "Coverage of plugins/: $$(COVERAGE_FILE=$(COVERAGE) coverage report --format=total) % ($(COVERAGE)-html/index.html)"

newer: deps ## Run the unit tests with the newest Python at hand, and so with a newer ansible-core
	$(call with-newest,unit)

setup-newer: deps
	$(call with-newest,setup-dev)

define with-newest
	@found=$$(sh tests/tools/pythons.sh 3.12 3.13 | tail -n 1); \
	if [ -n "$$found" ]; then \
		$(MAKE) --no-print-directory VENV=.cache/venv-$${found% *} PYTHON=$${found#* } $1; \
	else \
		echo 'Skipped: neither Python 3.12 nor 3.13 is at hand.'; \
	fi
endef

older: setup-dev ## Compile and import plugins/ with the oldest Python at hand that hosts may have
	@found=$$(sh tests/tools/pythons.sh 3.9 3.10 | sed -n 1p); \
	if [ -n "$$found" ]; then \
		$(MAKE) --no-print-directory sanity SANITY_ARGS='--test compile --test import' \
			SANITY_PYTHON=$${found% *} SANITY_PATH=$$(dirname "$${found#* }"); \
	else \
		echo 'Skipped: neither Python 3.9 nor 3.10 is at hand.'; \
	fi

versions: deps older ## Run unit and sanity tests with every newer Python at hand
	@sh tests/tools/pythons.sh 3.12 3.13 | while read -r version python; do \
		echo "== Python $$version"; \
		$(MAKE) --no-print-directory VENV=.cache/venv-$$version PYTHON=$$python unit sanity </dev/null; \
	done

# ansible-test wants a real folder ansible_collections/NAMESPACE/NAME that is a git repository of its own. Into it goes
# what users get; ruff and mypy look after the rest. A HOME of its own keeps its environments inside the project.
# SANITY_PYTHON is another Python to test for, SANITY_PATH the folder where it lies.
sanity: setup-dev $(SANITY)/seed.ok ## Run ansible-test sanity
	rm -rf $(SANITY)/ansible_collections && mkdir -p $(SANITY)/ansible_collections/svpc/virt
	tar -c --exclude=__pycache__ $(wildcard $(SHIPPED)) tests/config.yml $(wildcard tests/sanity) | \
		tar -x --no-same-owner -C $(SANITY)/ansible_collections/svpc/virt
	cd $(SANITY)/ansible_collections/svpc/virt && git init -q && \
		HOME=$(CURDIR)/$(SANITY)/home PATH="$${PATH/:/:$(if $(SANITY_PATH),$(SANITY_PATH):)}" \
		ansible-test sanity --local $(SANITY_ARGS) \
		--python $(or $(SANITY_PYTHON),"$$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')")

$(SANITY)/seed.ok: tests/tools/seed_pip.py $(VENV)/dev.ok
	python $< $(SANITY)/home/.ansible/test/cache
	@touch $@

# Two files of tests at a time, for half of the time goes in waiting for guests; each has hosts of its own.
integration: root setup-dev deps-laboratory ## Run the tests that need real libvirt hosts
	@if [ -d tests/integration ]; then pytest -v -n 2 --dist loadfile tests/integration $(PYTEST_ARGS); else echo 'There are none.'; fi

scenarios: root setup-dev deps-laboratory ## Run the playbooks with molecule: converge, idempotence, verify
	@if [ -d extensions/molecule ]; then molecule test --all; else echo 'There are none.'; fi

docs: setup-dev ## Check the documentation of modules and plugins, and render it as HTML in .cache/docs
	@mkdir -p .cache/home
	HOME=$(CURDIR)/.cache/home antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs=all .
	rm -rf .cache/docs && mkdir -p -m 700 .cache/docs
	HOME=$(CURDIR)/.cache/home antsibull-docs sphinx-init --use-current --lenient --fail-on-error --dest-dir .cache/docs svpc.virt >.cache/docs.log
	sed -i '/^intersphinx_mapping/,/^}/d; s/^sphinx-build .*/& -W --keep-going/' .cache/docs/conf.py .cache/docs/build.sh
	cp tests/tools/ansible_core.rst .cache/docs/rst/
	HOME=$(CURDIR)/.cache/home bash .cache/docs/build.sh >>.cache/docs.log 2>&1 || { tail -n 30 .cache/docs.log; exit 1; }
	@echo 'Rendered: .cache/docs/build/html/index.html'

build: setup ## Build the artifact in .cache/dist, install it aside and list what it offers
	rm -rf .cache/dist
	ansible-galaxy collection build --output-path .cache/dist
	export ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.cache/dist/installed; \
	ansible-galaxy collection install --offline --force -p .cache/dist/installed .cache/dist/svpc-virt-*.tar.gz >/dev/null; \
	ansible-doc -l svpc.virt; ansible-doc -t inventory -l svpc.virt

# --- Maintenance ---------------------------------------------------------------------------------------------------

release-check: root setup-dev deps-laboratory ## See whether this could be released: nothing uncommitted, changes told, artifact installed and used
	@[ -z "$$(git status --porcelain)" ] || { echo 'There are changes that are not committed:' >&2; git status --short >&2; exit 1; }
	@version=$$(sed -n 's/^version: //p' galaxy.yml); \
	if git rev-parse -q --verify "refs/tags/$$version" >/dev/null; then \
		echo "galaxy.yml: version $$version has been released already; name the next one." >&2; exit 1; \
	fi; \
	[ -n "$$(ls changelogs/fragments)" ] || grep -qxF "v$$version" CHANGELOG.rst || { echo "No fragment, nor CHANGELOG.rst, tells what version $$version changes." >&2; exit 1; }
	$(MAKE) --no-print-directory lint sanity docs build
	pytest -q tests/unit/test_collection.py tests/integration/test_artifact.py tests/integration/test_guides.py

changelog: setup-dev ## Turn the fragments into CHANGELOG.rst for the version that galaxy.yml names
	antsibull-changelog release

lock: .cache/uv/bin/uv ## Write the lock files anew; UPGRADE=--upgrade takes the newest versions
	for name in requirements requirements-dev; do \
		.cache/uv/bin/uv pip compile -q --no-config --system-certs --default-index https://pypi.org/simple \
		--no-emit-index-url --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
		--custom-compile-command 'make lock' -o $$name.txt $$name.in; \
	done

.cache/uv/bin/uv:
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install -qq --disable-pip-version-check uv

lab: root setup deps-laboratory ## Start a private libvirt host to play with, and print its URI; HOST=name names it
	@PYTHONPATH=collections python -m tests.laboratory start $(or $(HOST),lab)

clean: ## Stop private hosts and remove everything that the other targets made
	@if [ -e tests/laboratory/__main__.py ] && [ -x $(VENV)/bin/python ]; then \
		python -m tests.laboratory stop; python -m tests.laboratory clean; \
	fi
	rm -rf .cache .venv .ansible .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
