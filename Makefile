# One command each; the same in CI. `make run` and `make test` need only Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CITY_SEED ?= 1
PORT ?= 8050
EXPERIENCE_PORT ?= 8060
DATA ?= data

.PHONY: run dev replay test check format bench soak soak-alarms soak-experience fuzz pictures docs lock setup clean

run: $(VENV)/.run ## sandbox city, dashboard and public screens; open the addresses it prints
	@$(BIN)/python -m control_room run --data $(DATA) --port $(PORT) --experience-port $(EXPERIENCE_PORT)

dev: $(VENV)/.dev ## the same, restarted whenever a source file changes
	@$(BIN)/python -m control_room run --data $(DATA) --port $(PORT) --reload

replay: $(VENV)/.run ## make replay FROM=folder-or-file [RATE=10]
	@test -n "$(FROM)" || { echo "say what to replay: make replay FROM=folder-or-file [RATE=10]"; exit 2; }
	@$(BIN)/python -m control_room replay --from "$(FROM)" --data $(DATA) --port $(PORT) $(if $(RATE),--rate $(RATE))

test: $(VENV)/.dev ## all tests: a file a process, three at a time; then what measures time, alone
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/benchmarks
	@$(BIN)/python -m pytest -q tests/benchmarks

check: $(VENV)/.dev ## format, lint, types, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory test

format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## every bar, against a classic Dash page of the same content
	@$(BIN)/python -m tests.benchmarks

soak: $(VENV)/.dev ## 24 hours' worth of updates in one page
	@$(BIN)/python -m tests.benchmarks.soak

soak-experience: $(VENV)/.dev ## thirty days' worth of updates in a kiosk's page: make soak-experience DAYS=30
	@$(BIN)/python -m tests.benchmarks.experience_soak --days $(or $(DAYS),30)

soak-alarms: $(VENV)/.dev ## ten thousand simulated days of alarms: make soak-alarms DAYS=10000
	@$(BIN)/python -m tests.alerts.simulated_day --days $(or $(DAYS),10000)

soak-kill: $(VENV)/.dev ## kill -9 at random moments, 500 times: make soak-kill LIVES=2000
	@$(BIN)/python -m tests.control_room.kill_lives --lives $(or $(LIVES),500)

fuzz: $(VENV)/.dev ## a minute of fuzzing for each adapter: make fuzz SECONDS=600
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60)

pictures: $(VENV)/.dev ## every screen at its sizes, in each state and theme, in build/pictures; about a quarter of an hour
	@$(BIN)/python -m tests.browser.pictures

docs: $(VENV)/.dev ## pages made from the code
	@$(BIN)/python -m control_room docs

setup: $(VENV)/.dev

# uv resolves for every Python from 3.11 at once; `pip install uv` where it is absent.
lock: ## pin requirements*.in into requirements*.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' requirements.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' requirements-dev.in -o requirements-dev.txt

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=python3.12")'
	@echo "making the environment in $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements-dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
