# `make` alone lists the targets. Everything runs in .venv; nothing else on the machine changes
# but the system libraries that Qt needs (scripts/system-packages).

BIN := .venv/bin
JOBS ?= logical

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench fuzz screenshots lock format clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

setup: ## the environment in .venv, and the system libraries it needs
	@scripts/environment
	@scripts/system-packages run

demo: setup ## provision virtual docks: on the operator screen, or headless without a display
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; \
		then exec $(BIN)/station demo; \
		else exec $(BIN)/station demo --headless; fi

# pytest stands last, so that its closing line is the last one printed.
define checks
$(BIN)/ruff format --check --quiet .
$(BIN)/ruff check --quiet .
$(BIN)/mypy
$(BIN)/lint-imports
$(BIN)/pytest --numprocesses $(JOBS) --maxprocesses 8
endef

test: setup ## set up, then every check and the whole test suite
	@scripts/system-packages test
	$(checks)

check: ## the same on an environment that is already set up
	@scripts/environment
	$(checks)

bench: setup ## figures into build/bench.json (ONLY=group for one group)
	@scripts/system-packages test
	@$(BIN)/python -m tests.benchmarks $(ONLY)

fuzz: setup ## look for input that is taken wrongly (SECONDS=600 TARGET=rom-store or session)
	@for target in $(or $(TARGET),rom-store session); do \
		$(BIN)/python -m tests.fuzz $$target $(or $(SECONDS),600) || exit 1; done

screenshots: setup ## redraw the pictures of the documentation
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.gui.screenshots

UV_VENV := build/uv
lock: ## pin the dependencies of pyproject.toml again (UPGRADE=1 for the newest allowed)
	@command -v uv >/dev/null || [ -x $(UV_VENV)/bin/uv ] || \
		{ python3 -m venv $(UV_VENV) && $(UV_VENV)/bin/pip install --quiet uv; }
	PATH="$$PATH:$(UV_VENV)/bin" uv pip compile pyproject.toml --all-extras --group dev \
		--generate-hashes --python-version 3.11 $(if $(UPGRADE),--upgrade) \
		--quiet -o requirements.lock
	@scripts/environment
	$(BIN)/python scripts/third-party-licences

format: ## let ruff lay out the code and mend what it can
	@scripts/environment
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

clean: ## remove what was built or cached; .venv stays
	rm -rf build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache \
		.ruff_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
