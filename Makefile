# Everything a developer or CI runs. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# One target directory for everything, so that nothing is built twice.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Where `make install` puts the programs.
PREFIX ?= $(HOME)/.local
# Installed from the registry when missing; bump it here.
CARGO_DENY_VERSION := 0.20.2
TOOLS := $(CARGO_TARGET_DIR)/tools
CARGO_DENY := $(TOOLS)/cargo-deny-$(CARGO_DENY_VERSION)

PROGRAMS := --package open-cli --package open-cli-toolbox

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Build, start an API and a toolbox on loopback, and walk through a governed call
	cargo build $(PROGRAMS) --package orders-api
	@PATH="$(CARGO_TARGET_DIR)/debug:$$PATH" scripts/demo.sh

.PHONY: test
test: ## Run every test, with the real programs that they call
	scripts/peers.sh install
	cargo build --workspace --all-targets
	env $$(scripts/peers.sh env) OPEN_CLI_REQUIRE_PEERS=1 cargo test --workspace

.PHONY: fuzz
fuzz: ## Run every parser on mutations of its corpus, FUZZ_SECONDS each (default 5)
	cargo build --package open-cli-fuzz
	ulimit -v 4194304 && "$(CARGO_TARGET_DIR)/debug/open-cli-fuzz" $(FUZZ_TARGETS)

.PHONY: lint
lint: $(CARGO_DENY) ## Check format, lints, docs, licences and scripts
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace --quiet
	PATH="$(CARGO_DENY)/bin:$$PATH" cargo deny --log-level warn check licenses bans sources
	@scripts/arrows.sh
	@echo "advisories: not checked here; where GitHub can be reached: cargo deny check advisories"
	@if command -v shellcheck >/dev/null; then \
	  shellcheck scripts/*.sh .ci/run && echo "shellcheck: ok"; \
	else \
	  for script in scripts/*.sh .ci/run; do bash -n "$$script"; done; \
	  echo "shellcheck: not installed, only the syntax was checked"; \
	fi

$(CARGO_DENY):
	cargo install --locked --debug --root $(CARGO_DENY) --target-dir $(TOOLS)/build --version $(CARGO_DENY_VERSION) cargo-deny
	rm -rf $(TOOLS)/build

.PHONY: bench
bench: ## Measure speed against nginx and curl; figures in target/bench/results.json
	cargo build --release $(PROGRAMS)
	cargo build --release --package open-cli-audit --example audit_bench
	python3 bench/run.py --programs "$(CARGO_TARGET_DIR)/release" --work "$(CARGO_TARGET_DIR)/bench"

.PHONY: install
install: ## Build optimised programs and put them into PREFIX/bin (default ~/.local/bin)
	cargo build --profile dist $(PROGRAMS)
	install -D -m 755 -t "$(DESTDIR)$(PREFIX)/bin" \
	  "$(CARGO_TARGET_DIR)/dist/open-cli" "$(CARGO_TARGET_DIR)/dist/open-cli-toolbox"

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
