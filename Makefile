# What a user and a contributor need; see README.md and CONTRIBUTING.md.

GO ?= go

.PHONY: build demo test short bench lint detection clean

## build: bin/lsfr
build:
	$(GO) build -o bin/lsfr ./cmd/lsfr

## demo: watch lsfr find a bug in the store it brings along
demo: build
	./bin/lsfr demo

## test: everything; with the race detector where it does not change what is measured
test:
	$(GO) vet ./...
	$(GO) test -race -short ./...
	$(GO) test -p 1 -timeout 20m ./...

## short: what to run while working
short:
	$(GO) test -short ./...

## bench: speed of recording, of reading and of judging
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./history ./models ./workload

## lint: staticcheck with the repository's configuration
lint:
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

## detection: how often each bug is caught, RUNS times each; prints the rows of docs/detection.md
RUNS ?= 20
detection:
	LSFR_RUNS=$(RUNS) $(GO) test -v -count 1 -timeout 6h -run 'Caught|PassesEveryStage|PassEveryStage' ./internal/runner | grep -E 'detection:|not caught|--- FAIL|^ok|^FAIL'

clean:
	rm -rf bin
