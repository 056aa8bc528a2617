# Two targets do all the set-up on a fresh machine with Rust: `make demo` and `make test`.

CARGO ?= cargo
TERRAFORM ?= $(shell command -v terraform || command -v tofu)
PROGRAMS = -p provider -p agent --bins
# What is tried on every version of Terraform, and the versions: tests/terraform/install has more.
JOURNEYS = --test protocol --test identity --test claims --test drift --test secrets --test power
VERSIONS = 1.12.2 1.13.5 1.14.9 1.15.5
NEWEST = $(lastword $(VERSIONS))

.PHONY: demo test fmt lint unit rustdoc acceptance test-newest test-terraform docs release bench install-hint build

# The main job, start to end, on a simulated rack.
demo: install-hint build
	@BAREMETAL_TERRAFORM="$(TERRAFORM)" $(CARGO) run -q --locked -p acceptance --bin demo

# Everything CI runs.
test: fmt lint unit rustdoc acceptance test-newest

fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

# With the layers, the file headers, the licences and the pages in docs/ that must be current.
unit:
	$(CARGO) test --locked

rustdoc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --document-private-items

acceptance: install-hint build
	tests/prerequisites
	tests/lab/install
	tests/sushy-tools/install
	BAREMETAL_TERRAFORM="$(TERRAFORM)" $(CARGO) test -p acceptance --locked -- --test-threads=3
	BAREMETAL_TERRAFORM="$(TERRAFORM)" $(CARGO) run -q --locked -p acceptance --bin demo

# The selected journeys on the newest Terraform there is, besides the one that is installed.
test-newest:
	$(MAKE) test-terraform VERSIONS=$(NEWEST)

# The selected journeys on every version that is known.
test-terraform: build
	tests/prerequisites
	tests/terraform/install $(VERSIONS)
	set -e; for version in $(VERSIONS); do \
		echo "Terraform $$version"; \
		BAREMETAL_TERRAFORM="$(CURDIR)/target/terraform/$$version/terraform" \
			$(CARGO) test -p acceptance --locked $(JOURNEYS) -- --test-threads=3; \
	done

# Writes the pages in docs/ and the API description anew from the source.
docs:
	$(CARGO) run -q --locked -p provider -- docs
	UPDATE=1 $(CARGO) test -q --locked -p agent openapi

# What is published, for this machine's platform: archives, digests and a mirror in dist/release.
release:
	$(CARGO) build --release --locked $(PROGRAMS)
	$(CARGO) run -q --locked -p acceptance --bin release -- target/release dist/release

# What the provider adds to a plan, beside one that does nothing. BENCH holds its arguments:
# make bench BENCH="--servers 100 --latency-ms 20"
bench: install-hint
	$(CARGO) build --release --locked -p provider -p bench-provider
	target/release/bench-provider --terraform "$(TERRAFORM)" $(BENCH)

build:
	$(CARGO) build --locked $(PROGRAMS)
	$(CARGO) build --locked -p tfplugin --example kit

install-hint:
	@if [ -z "$(TERRAFORM)" ]; then \
		echo "error: neither terraform nor tofu is on the PATH." >&2; \
		echo "Install one of them (1.11 or later):" >&2; \
		echo "  Terraform: the HashiCorp package repository for your system, package terraform" >&2; \
		echo "  OpenTofu:  the OpenTofu package repository for your system, package tofu" >&2; \
		echo "or name the binary: make TERRAFORM=/path/to/terraform $(MAKECMDGOALS)" >&2; \
		exit 1; \
	fi
