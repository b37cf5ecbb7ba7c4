# What a user and a contributor need; see README.md and CONTRIBUTING.md.

GO ?= go

.PHONY: build demo test short bench exhaustive mutants fuzz lint matrix clean

## build: bin/lsfr
build:
	$(GO) build -o bin/lsfr ./cmd/lsfr

## demo: watch lsfr find a bug in the store it brings along
demo: build
	./bin/lsfr demo

## test: everything; with the race detector where it does not change what is measured.
##       Most tests wait for processes, so more of them run at once than there are cores
test:
	$(GO) vet ./...
	$(GO) test -race -short -p 3 ./...
	$(GO) test -p 1 -parallel 4 -timeout 20m $(LONG)
	$(GO) test -parallel 4 -timeout 20m ./internal/matrix

# LONG has the packages with tests that -short leaves out, or that the race detector falsifies.
LONG = ./cmd/lsfr ./history/... ./internal/runner ./internal/simulate ./models

## short: what to run while working
short:
	$(GO) test -short ./...

## bench: speed of recording, of reading and of judging, beside porcupine (a quarter of an hour)
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./history ./models ./workload ./internal/netsim ./internal/disk
	$(GO) run ./internal/benchmark

## exhaustive: compare the checker with porcupine on every history of five operations (LSFR_EXHAUSTIVE=6: of six)
exhaustive:
	$(GO) test -v -count 1 -timeout 6h -tags exhaustive -run EveryHistory ./models

## mutants: weaken the checker in one place after the other; the tests must notice each time
mutants:
	$(GO) run ./internal/mutants

## fuzz: look for inputs that break the readers and the checker, FUZZTIME each
FUZZTIME ?= 1m
fuzz:
	$(GO) test -run '^$$' -fuzz FuzzDecode -fuzztime $(FUZZTIME) ./history
	$(GO) test -run '^$$' -fuzz FuzzRead -fuzztime $(FUZZTIME) ./history/formats
	$(GO) test -run '^$$' -fuzz FuzzCheck -fuzztime $(FUZZTIME) ./models

## lint: staticcheck with the repository's configuration
lint:
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

## matrix: how often each bug is caught, by which stages, and with what explanation; RUNS times each, for hours.
##         Writes docs/detection.md. ONLY=REGEXP counts some; MATRIX='-own -resume' passes flags on (-help lists them)
RUNS ?= 5
ONLY ?=
MATRIX ?=
matrix:
	$(GO) build -o bin/matrix ./internal/matrix
	./bin/matrix -runs $(RUNS) -only '$(ONLY)' $(MATRIX)

clean:
	rm -rf bin
