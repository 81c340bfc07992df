# make help lists what can be done here. SAM builds each function with its target build-<LogicalId>.

SHELL      := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

TOOLS  := .ci/tools
VENV   := $(TOOLS)/venv/bin
DOORS  := $(notdir $(patsubst %/,%,$(dir $(wildcard functions/*/main.go))))
GO_BUILD := GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -buildvcs=false -tags lambda.norpc -trimpath -ldflags '-s -w'

# sam wants a region even where it calls nobody.
export AWS_DEFAULT_REGION ?= eu-central-1
export SAM_CLI_TELEMETRY := 0

CONFIG     ?= dev
PARAMETERS ?=
FUZZ       ?= 30s
ARGS       ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: ## install the tools that tests need into .ci/tools
	@$(TOOLS)/setup

.PHONY: run
run: web ## the whole product on this machine; ARGS='-addr … -data …'
	go run ./infra/local $(ARGS)

.PHONY: web
web:
	@if [ -f web/package.json ]; then cd web && { [ -d node_modules ] || npm ci; } && npm run build; fi

.PHONY: reset
reset: ## throw away what the local product has kept
	rm -rf .local

.PHONY: check
check: format vet ## the inner loop: formatting, vet, tests without the race detector
	go test -short ./...

.PHONY: test
test: setup lint go-test templates binaries web-test ## everything
	@echo "all of it passed"

.PHONY: go-test
go-test: setup
	go test -race -shuffle=on -timeout 20m ./...

.PHONY: web-test
web-test: setup
	@if [ -f web/package.json ]; then cd web && npm ci && npm test; fi

.PHONY: lint
lint: setup format vet ## formatting, vet, staticcheck
	$(TOOLS)/bin/staticcheck ./...

.PHONY: format
format:
	@bad=$$(gofmt -l functions infra internal 2>/dev/null || true); [ -z "$$bad" ] || { echo "gofmt -w is needed for:" $$bad; exit 1; }

.PHONY: vet
vet:
	go vet ./...

.PHONY: templates
templates: setup ## sam validate, and cfn-lint on what is made in the end
	$(VENV)/sam validate --lint
	$(VENV)/python $(TOOLS)/expand.py build/expanded
	@# W3002: nested templates are local files until they are packaged
	cd build/expanded && ../../$(VENV)/cfn-lint --ignore-checks W3002 -- template.json infra/*.yaml

# What SAM builds must be what make builds, byte for byte.
.PHONY: binaries
binaries: setup build
	$(VENV)/sam build
	@for door in $(DOORS); do \
	  made=$$(find .aws-sam/build -mindepth 1 -maxdepth 1 -iname "$$door"); \
	  cmp "build/$$door/bootstrap" "$$made/bootstrap"; \
	done

.PHONY: build
build: $(DOORS:%=build/%/bootstrap) ## the functions' binaries, as they are deployed, without SAM
	@[ -n "$(DOORS)" ] || { echo "functions/ has no door yet"; exit 1; }

.PHONY: force
force:
build/%/bootstrap: force
	$(GO_BUILD) -o $@ ./functions/$*

# SAM calls these with ARTIFACTS_DIR.
build-%:
	$(GO_BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" "./functions/$$(echo $* | tr A-Z a-z)"

.PHONY: openapi
openapi: ## write internal/api/openapi.json anew
	go run ./internal/api/openapi

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZ=30s each
	@go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' ./... | while read -r package dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go | cut -d' ' -f2); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) "$$package" </dev/null; \
	  done; \
	done

.PHONY: bench
bench: ## every benchmark
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: replay
replay: ## the real receivables through a running product; ARGS are handed on
	go run ./infra/local/replay $(ARGS)
	@echo; echo "Again, each hundredth paid in two parts, with too much, or by two methods:"
	go run ./infra/local/replay -every 100 $(ARGS)

.PHONY: kill
kill: ## kill -9 a running product again and again while clients work, and look for what is lost
	go run ./infra/local/kill $(ARGS)

.PHONY: deploy
deploy: setup ## to AWS; CONFIG=dev|prod PARAMETERS='OwnerEmail=… MailFrom=…'
	@CONFIG='$(CONFIG)' PARAMETERS='$(PARAMETERS)' $(VENV)/python $(TOOLS)/deploy.py

.PHONY: stripe-webhook
stripe-webhook: ## make Stripe's webhook endpoint; URL=… and STRIPE_KEY in the environment
	@go run ./infra/webhook -url '$(URL)'
