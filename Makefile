# The two commands of the README are `make demo` and `make test`; the others are for working on the project.

CARGO ?= cargo
BINARY := target/debug/404-cli

.PHONY: help setup build demo test lint interop wheel deploy site examples release bench fuzz reference

help:
	@echo 'make demo      a whole round on this machine, no key, no TAO, no GPU'
	@echo 'make test      all tests'
	@echo 'make lint      formatting, lints, documentation, licences, phrases'
	@echo 'make interop   official clients against the sandbox'
	@echo 'make wheel     both Python packages in a virtual environment'
	@echo 'make examples  the examples of README and docs against the sandbox'
	@echo 'make site      the documents as a site, its links checked'
	@echo 'make deploy    the Kubernetes manifest and the workflows against their schemas'
	@echo 'make release   everything of a release in dist/'
	@echo 'make bench     the figures of docs/benchmarks.md'
	@echo 'make fuzz      random modules for the validator, for an hour'
	@echo 'make reference docs/cli.md from the help texts'

setup:
	@scripts/setup

build:
	$(CARGO) build --locked --package gen404-cli

demo: setup build
	$(BINARY) demo

# nextest where it is installed, cargo's own runner elsewhere.
# Proofs that the machine cannot give are counted at the end; GEN404_REQUIRE=all makes them failures.
test: setup build
	@scripts/count-skipped sh -c 'if $(CARGO) nextest --version >/dev/null 2>&1; then \
	  $(CARGO) nextest run --locked --workspace; \
	else \
	  $(CARGO) test --locked --workspace --lib --bins --tests; \
	fi'

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --document-private-items
	python3 scripts/check-dependencies
	python3 scripts/check-phrases

interop: setup build
	@scripts/count-skipped interop/run-all $(BINARY)

wheel: setup
	@scripts/count-skipped scripts/check-wheel

deploy: setup
	@scripts/count-skipped sh -c 'scripts/check-deploy && scripts/check-workflows'

site:
	@scripts/count-skipped scripts/site

examples: setup build
	scripts/check-examples $(BINARY)

release:
	scripts/release --sources

bench:
	benches/run

fuzz:
	scripts/fuzz-validator

reference: build
	UPDATE_REFERENCE=1 $(CARGO) test --locked --package gen404-cli --test it reference
