# Two commands are all a new checkout needs: `make run` and `make test`.

.PHONY: run test build check fmt schemas

## Build the server and its agent for this machine, start both, and say how to ask the first question.
run:
	@infra/deploy/run

## Everything that CI runs: formatting, lints, every test, with the servers that they need.
test:
	@infra/deploy/test

build:
	cargo build --locked --workspace --bins

check:
	cargo clippy --locked --workspace --all-targets -- -D warnings

fmt:
	cargo fmt --all

## Freeze the shape of each event and record that has no file in domain/schemas yet.
schemas:
	@cargo run --quiet -p domain --example schemas
