# What one does with this repository. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
STATICCHECK_VERSION := v0.8.2
GOLANGCI_VERSION := v2.15.0
DEADCODE_VERSION := v0.52.0
VERSITYGW_VERSION := v1.8.0
FAKE_GCS_VERSION := v1.56.1
AZURITE_VERSION := 3.37.0
GO_LICENSES_VERSION := v1.6.0
CYCLONEDX_VERSION := v1.10.0
ACTIONLINT_VERSION := v1.7.7
GOVULNCHECK_VERSION := v1.9.0
ROWS ?= 10000000
PYTHON ?= python3
PYTHON_PACKAGE := audit/contract/python

# Google's library speaks gRPC too, which nothing here does: without it the program is smaller, and so is what each process touches at its start.
export GOFLAGS := $(GOFLAGS) -tags=disable_grpc_modules

BIN := build/featureaudit
STATICCHECK := build/bin/staticcheck-$(STATICCHECK_VERSION)
GOLANGCI := build/bin/golangci-lint-$(GOLANGCI_VERSION)
DEADCODE := build/bin/deadcode-$(DEADCODE_VERSION)
VERSITYGW := build/bin/versitygw-$(VERSITYGW_VERSION)
FAKE_GCS := build/bin/fake-gcs-server-$(FAKE_GCS_VERSION)
AZURITE := build/azurite-$(AZURITE_VERSION)/node_modules/azurite/dist/src/blob/main.js
INCIDENT := build/incident

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build build/featureaudit
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/featureaudit

.PHONY: audit
audit: build ## plant the incident in a small store, audit it, and say whether exactly that was found
	@rm -rf $(INCIDENT)
	@go run ./fixtures/cmd/incident $(INCIDENT)
	@code=0; $(BIN) run --config $(INCIDENT)/featureaudit.yaml --as-of "$$(cat $(INCIDENT)/as_of)" \
		--out json=$(INCIDENT)/report.json --out html=$(INCIDENT)/report.html --out markdown=$(INCIDENT)/report.md --out junit=$(INCIDENT)/junit.xml \
		--fail-on never --log-level warn || code=$$?; \
		case $$code in 0|3) ;; *) echo "featureaudit run: exit $$code" >&2; exit 1;; esac
	@go run ./fixtures/cmd/incident -check $(INCIDENT)/report.json $(INCIDENT)
	@echo "open $(INCIDENT)/report.html in a browser; report.json, report.md and junit.xml lie beside it"

.PHONY: examples
examples: ## write ten small stores with their configs to build/examples, to try things on
	@rm -rf build/examples
	@go run ./fixtures/cmd/examples build/examples

.PHONY: test
test: lint ## make lint, and the tests of every package
	go test -timeout 30m ./...

# They compare what the process takes with its limit; the race detector takes several times as much.
MEMORY_TESTS := ^Test[A-Za-z]*Stays?WithinTheLimit$$

.PHONY: test-postgres
test-postgres: ## registries in a PostgreSQL server, which the tests start by themselves: it must be installed
	go test -tags postgres,disable_grpc_modules -run Postgres ./audit/registry/feast

# The servers are real, and are started by the tests; the first time builds them, which takes some minutes.
.PHONY: test-stores
test-stores: test-stores-s3 $(FAKE_GCS) $(AZURITE) ## audits of buckets with servers of S3, Google and Azure on this machine (node 20 is needed for Azure)
	FEATUREAUDIT_TEST_GCS=$(CURDIR)/$(FAKE_GCS) FEATUREAUDIT_TEST_AZURITE=$(CURDIR)/$(AZURITE) go test -tags stores,disable_grpc_modules -timeout 20m -run 'Google|Azure' ./audit/store/blob ./audit/kept ./cmd/featureaudit

.PHONY: test-stores-s3
test-stores-s3: $(VERSITYGW)
	FEATUREAUDIT_TEST_VERSITYGW=$(CURDIR)/$(VERSITYGW) go test -tags stores,disable_grpc_modules -timeout 20m -skip 'Google|Azure' ./audit/store/... ./audit/internal/stage
	FEATUREAUDIT_TEST_VERSITYGW=$(CURDIR)/$(VERSITYGW) go test -tags stores,disable_grpc_modules -timeout 20m -run S3 ./audit/kept
	FEATUREAUDIT_TEST_VERSITYGW=$(CURDIR)/$(VERSITYGW) go test -tags stores,disable_grpc_modules -timeout 20m -run Bucket -skip 'Google|Azure' ./cmd/featureaudit
	go vet -tags noclouds ./cmd/... ./audit/...

# The server is real, of packages of about 450 MB the first time, and lives below build/. It takes up to 2 GB of memory.
TRINO_HOME := $(CURDIR)/build/trino

.PHONY: test-trino
test-trino: $(VERSITYGW) ## every case counted by a real Trino, which is started and stopped (needs a JDK of version 24 or newer, and mvn)
	@mkdir -p build && fixtures/trino/server.sh start $(TRINO_HOME) > build/trino.url
	@trap 'fixtures/trino/server.sh stop $(TRINO_HOME)' EXIT; export FEATUREAUDIT_TEST_TRINO=$$(cat build/trino.url) FEATUREAUDIT_TEST_TRINO_HOME=$(TRINO_HOME); \
		go test -tags trino,disable_grpc_modules -timeout 30m -parallel 4 -skip 'TwoNodes|ShortQuestions' ./audit/engine/trino && \
		go test -tags trino,disable_grpc_modules -timeout 15m -parallel 4 -run InTrino ./audit && \
		FEATUREAUDIT_TEST_VERSITYGW=$(CURDIR)/$(VERSITYGW) go test -tags trino,disable_grpc_modules -timeout 15m -run TestTrino ./cmd/featureaudit && \
		MAX_LENGTH=60000 fixtures/trino/server.sh start $(TRINO_HOME) 1 > build/trino.url && \
		go test -tags trino,disable_grpc_modules -timeout 5m -run 'TwoNodes|ShortQuestions' ./audit/engine/trino

.PHONY: test-shells
test-shells: ## completion in the real bash, zsh and fish, in those that are installed
	@for shell in bash zsh fish; do command -v $$shell >/dev/null || echo "$$shell is not installed: its completion is not tried"; done
	go test -tags shells,disable_grpc_modules -run ShellsComplete ./cmd/featureaudit

.PHONY: test-contributing
test-contributing: ## the worked example of .github/CONTRIBUTING.md, followed in a copy of the repository
	go test -tags contributing,disable_grpc_modules -run WorkedExample ./audit

.PHONY: test-all
test-all: test test-postgres test-shells test-contributing test-stores test-writers ## also the slow tests (race detector, short fuzzing, ten minutes of torture)
	go test -race -timeout 40m -skip '$(MEMORY_TESTS)' ./cmd/... ./audit/...
	FEATUREAUDIT_TEST_STORES=5000 go test -timeout 40m -run '^TestCollectionEqualsRecount$$' ./audit
	FEATUREAUDIT_TEST_NIGHTS=500 go test -timeout 60m -run '^TestNightsWithKeptFacts$$' ./audit
	FEATUREAUDIT_TEST_CELLS=100000000 go test -timeout 60m -run '^TestOneCellOfManyIsFound$$' ./cmd/featureaudit
	FEATUREAUDIT_TEST_MEMORY=1 go test -timeout 40m -run '$(MEMORY_TESTS)' ./cmd/featureaudit
	@for target in $$(grep -rlE '^func Fuzz' --include='*_test.go' audit cmd | sort); do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' $$target); do \
			echo "$$name in $$(dirname $$target)"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime 20s ./$$(dirname $$target) || exit 1; \
		done; done
	$(MAKE) torture TORTURE_FOR=10m

# The first time builds the tools, golangci-lint for some minutes; without one of them lint fails.
.PHONY: lint
lint: $(STATICCHECK) $(GOLANGCI) $(DEADCODE) ## gofmt, go vet, staticcheck, the rules of .golangci.yml, and no dead code
	@unformatted=$$(gofmt -l audit cmd fixtures sql); [ -z "$$unformatted" ] || { echo "run gofmt -w on:" $$unformatted >&2; exit 1; }
	go vet -tags postgres,shells,contributing,stores,trino,writers,disable_grpc_modules ./...
	$(STATICCHECK) -tags postgres,shells,contributing,stores,trino,writers,disable_grpc_modules ./...
	$(GOLANGCI) run ./...
	$(MAKE) --no-print-directory deadcode

# What C calls (//export in stream.go) looks dead from Go.
.PHONY: deadcode
deadcode: $(DEADCODE)
	@dead=$$($(DEADCODE) -tags postgres,shells,contributing,stores,trino,writers,disable_grpc_modules -test ./...) || exit 1; \
		dead=$$(grep -v '^audit/engine/duckdb/stream.go:' <<< "$$dead" || true); [ -z "$$dead" ] || { echo "nothing calls:" >&2; echo "$$dead" >&2; exit 1; }

$(STATICCHECK):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv build/bin/staticcheck $@

$(GOLANGCI):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv build/bin/golangci-lint $@

$(VERSITYGW):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)
	@mv build/bin/versitygw $@

$(FAKE_GCS):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install github.com/fsouza/fake-gcs-server@$(FAKE_GCS_VERSION)
	@mv build/bin/fake-gcs-server $@

$(AZURITE):
	@command -v npm >/dev/null || { echo "make: node and npm are needed for the server of Azure" >&2; exit 1; }
	@mkdir -p build/azurite-$(AZURITE_VERSION)
	npm install --prefix build/azurite-$(AZURITE_VERSION) --ignore-scripts --no-audit --no-fund --loglevel=error azurite@$(AZURITE_VERSION)

$(DEADCODE):
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION)
	@mv build/bin/deadcode $@

.PHONY: golden
golden: ## write the golden files anew (read the difference before you commit it)
	@[ -z "$$CI" ] || { echo "make golden: refused where CI is set: goldens are written by people" >&2; exit 1; }
	go test ./audit/render ./cmd/featureaudit -update

.PHONY: bench
bench: build ## measure the audit against the floor (ROWS=10000000)
	ROWS=$(ROWS) go run ./fixtures/cmd/bench
	go test -run '^$$' -bench Listing100k -benchtime 5x ./audit/table # aim: at most 2 s and 300 MB
	go test -run '^$$' -bench Diff10k -benchmem -benchtime 5x ./audit/diff # aim: under 1 s and 500 MB

TORTURE_SEED ?= 1
TORTURE_FOR ?= 60s

.PHONY: torture
torture: build ## damage inputs and conditions for TORTURE_FOR=60s, and say what broke (a seed repeats a case)
	go run ./fixtures/cmd/torture -seed $(TORTURE_SEED) -for $(TORTURE_FOR) $(BIN)

.PHONY: eval-zones
eval-zones: ## measure how well zone evidence finds planted offsets, and that it accuses no honest store
	@go run ./fixtures/cmd/evalzones

# Tools that only a release needs; each is built at its pinned version, below build/bin.
build/bin/%: Makefile
	@mkdir -p build/bin
	GOBIN=$(CURDIR)/build/bin go install $(TOOL_$*)
TOOL_go-licenses := github.com/google/go-licenses@$(GO_LICENSES_VERSION)
TOOL_cyclonedx-gomod := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
TOOL_actionlint := github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
TOOL_govulncheck := golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

# modernc.org/mathutil is BSD-3-Clause by its text, which the tool does not know.
.PHONY: notice
notice: build/bin/go-licenses ## write cmd/featureaudit/NOTICE: what the program links, and under which licence
	GOFLAGS= build/bin/go-licenses report ./cmd/featureaudit --ignore github.com/featureaudit/featureaudit --template .ci/notice.tpl > build/NOTICE 2>build/notice.log
	mv build/NOTICE cmd/featureaudit/NOTICE

.PHONY: sbom
sbom: build build/bin/cyclonedx-gomod ## write build/sbom.json: the modules in the binary, as CycloneDX
	build/bin/cyclonedx-gomod bin -json -noserial -notimestamp -version $(VERSION) -output build/sbom.json $(BIN)

.PHONY: vulncheck
vulncheck: build/bin/govulncheck ## look the dependencies up in Go's vulnerability database (needs the network)
	go mod verify
	build/bin/govulncheck ./cmd/... ./audit/...

# The driver brings the engine for these platforms as static libraries; an archive is built on its own platform, for cgo crosses none.
RELEASE_DIR := build/release
RELEASE_NAME = featureaudit-$(VERSION)-$$(go env GOOS)-$$(go env GOARCH)

.PHONY: release
release: build/bin/cyclonedx-gomod ## build build/release: an archive for this platform, the Python wheel, checksums and the SBOM
	@rm -rf $(RELEASE_DIR) && mkdir -p $(RELEASE_DIR)/stage/$(RELEASE_NAME)/completion
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(RELEASE_DIR)/stage/$(RELEASE_NAME)/featureaudit ./cmd/featureaudit
	@cd $(RELEASE_DIR)/stage/$(RELEASE_NAME) && ./featureaudit man --out-dir man \
		&& for shell in bash zsh fish; do ./featureaudit completion $$shell > completion/featureaudit.$$shell; done
	@cp README.md CHANGELOG.md LICENSE cmd/featureaudit/NOTICE $(RELEASE_DIR)/stage/$(RELEASE_NAME)/
	tar -C $(RELEASE_DIR)/stage --sort=name --owner=0 --group=0 --numeric-owner -czf $(RELEASE_DIR)/$(RELEASE_NAME).tar.gz $(RELEASE_NAME)
	build/bin/cyclonedx-gomod bin -json -noserial -notimestamp -version $(VERSION) -output $(RELEASE_DIR)/$(RELEASE_NAME).sbom.json $(RELEASE_DIR)/stage/$(RELEASE_NAME)/featureaudit
	@mkdir -p $(RELEASE_DIR)/stage/python && cp -r $(PYTHON_PACKAGE)/src $(PYTHON_PACKAGE)/pyproject.toml $(PYTHON_PACKAGE)/README.md LICENSE $(RELEASE_DIR)/stage/python/
	$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps -w $(RELEASE_DIR) $(RELEASE_DIR)/stage/python
	@rm -rf $(RELEASE_DIR)/stage
	cd $(RELEASE_DIR) && sha256sum *.tar.gz *.whl *.json > SHA256SUMS
	@echo "built for this platform only. The driver has the engine for linux-arm64, darwin-amd64, darwin-arm64 and windows-amd64 as well: not built, not tried"

.PHONY: man
man: build ## write the manual pages to build/man
	@rm -rf build/man
	$(BIN) man --out-dir build/man

.PHONY: image
image: ## build the container image featureaudit:VERSION
	@docker info >/dev/null 2>&1 || { echo "make image: no Docker daemon answers here: start one, or build on a machine that has one" >&2; exit 1; }
	docker build --build-arg VERSION=$(VERSION) -t featureaudit:$(VERSION) .

PYTHON_VENV := build/.venv-python
AIRFLOW_TESTS := cmd/airflow/tests
AIRFLOW_BINARIES := $(CURDIR)/build/airflow-bin

EXAMPLES := audit/docs/examples

# A virtual environment is made anew when its requirements change, and kept otherwise: an install of Airflow takes minutes.
build/.venv-python/ready: $(PYTHON_PACKAGE)/tests/requirements.txt
build/.venv-examples/ready: $(EXAMPLES)/requirements.txt
build/.venv-schemas/ready: fixtures/schemas/published/requirements.txt
build/.venv-tables/ready: fixtures/tables/requirements.txt
build/.venv-writers/ready: fixtures/writers/requirements.txt
build/.venv-feast/ready: $(PYTHON_PACKAGE)/examples/feast/requirements.txt $(PYTHON_PACKAGE)/examples/feast/constraints-feast-0.67.0-py311.txt
build/.venv-airflow3/ready: $(AIRFLOW_TESTS)/requirements-airflow-3.3.2.txt $(AIRFLOW_TESTS)/constraints-airflow-3.3.2-py311.txt
build/.venv-airflow2/ready: $(AIRFLOW_TESTS)/requirements-airflow-2.11.2.txt $(AIRFLOW_TESTS)/constraints-airflow-2.11.2-py311.txt
build/.venv-%/ready:
	@rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: lint-examples
lint-examples: build/.venv-examples/ready build/bin/actionlint ## the examples for CI and Kubernetes, and the forms of issues, by their own schemas and linters
	build/.venv-examples/bin/check-jsonschema --builtin-schema vendor.github-workflows $(EXAMPLES)/github-actions.yml
	build/.venv-examples/bin/check-jsonschema --builtin-schema vendor.gitlab-ci $(EXAMPLES)/gitlab-ci.yml
	build/.venv-examples/bin/check-jsonschema --builtin-schema vendor.github-issue-forms $$(ls .github/ISSUE_TEMPLATE/*.yml | grep -v config.yml)
	build/.venv-examples/bin/pre-commit validate-manifest .pre-commit-hooks.yaml
	build/.venv-examples/bin/kubernetes-validate --strict $(EXAMPLES)/kubernetes-cronjob.yaml $(EXAMPLES)/bucket.yaml
	build/bin/actionlint $(EXAMPLES)/github-actions.yml

.PHONY: test-schemas
test-schemas: build build/.venv-schemas/ready ## real output of every format by the schemas that others publish, in SCHEMAS=DIR
	@[ -n "$(SCHEMAS)" ] || { echo "make test-schemas SCHEMAS=DIR: a folder with the published schemas (see audit/docs/formats.md)" >&2; exit 1; }
	@rm -rf build/stores && mkdir -p build/stores
	@go run ./fixtures/cmd/examples build/stores > build/stores/lines && go run ./fixtures/cmd/incident build/stores/incident
	build/.venv-schemas/bin/python fixtures/schemas/published/validate.py $(BIN) build/stores $(SCHEMAS)

.PHONY: test-python
test-python: $(PYTHON_VENV)/ready ## the Python package for consumers: ruff, mypy, pytest over the table of contract cases, and its wheel
	@before=$$(git status --porcelain --ignored); $(PYTHON_VENV)/bin/pip wheel --quiet --disable-pip-version-check --no-deps -w build/wheel $(PYTHON_PACKAGE) || exit 1; \
		[ "$$before" = "$$(git status --porcelain --ignored)" ] || { echo "the wheel leaves files in the tree:" >&2; git status --short --ignored >&2; exit 1; }
	cd $(PYTHON_PACKAGE) && ../../../$(PYTHON_VENV)/bin/ruff format --check --quiet src tests && ../../../$(PYTHON_VENV)/bin/ruff check --quiet src tests \
		&& ../../../$(PYTHON_VENV)/bin/mypy && ../../../$(PYTHON_VENV)/bin/pytest --quiet

# Whole runs of the DAG in one process, with dag.test(): the binary, the files and Airflow itself are real.
.PHONY: test-airflow
test-airflow: build/.venv-airflow3/ready build/.venv-airflow2/ready $(VERSITYGW) ## the DAG with a real Airflow 3, and with Airflow 2 where its dag.test() can
	@mkdir -p $(AIRFLOW_BINARIES)
	go build -o $(AIRFLOW_BINARIES)/ ./cmd/featureaudit ./fixtures/cmd/incident ./fixtures/cmd/livestore ./fixtures/cmd/benchstore
	cd $(AIRFLOW_TESTS) && FEATUREAUDIT_TEST_VERSITYGW=$(CURDIR)/$(VERSITYGW) FEATUREAUDIT_TEST_BINARIES=$(AIRFLOW_BINARIES) $(CURDIR)/build/.venv-airflow3/bin/python -m pytest --quiet -p no:cacheprovider
	cd $(AIRFLOW_TESTS) && FEATUREAUDIT_TEST_VERSITYGW=$(CURDIR)/$(VERSITYGW) FEATUREAUDIT_TEST_BINARIES=$(AIRFLOW_BINARIES) $(CURDIR)/build/.venv-airflow2/bin/python -m pytest --quiet -p no:cacheprovider

.PHONY: test-feast
test-feast: build/.venv-feast/ready ## the training example: a real Feast offline store, guarded, refused and trained on
	@mkdir -p $(AIRFLOW_BINARIES)
	go build -o $(AIRFLOW_BINARIES)/ ./cmd/featureaudit
	cd $(PYTHON_PACKAGE)/examples/feast && FEATUREAUDIT_TEST_BINARIES=$(AIRFLOW_BINARIES) $(CURDIR)/build/.venv-feast/bin/python -m pytest --quiet -p no:cacheprovider

REST_CATALOG := $(CURDIR)/build/rest-catalog

$(REST_CATALOG)/ready: fixtures/tables/rest/pom.xml fixtures/tables/rest/Catalog.java
	@rm -rf $(@D) && mkdir -p $(@D)/classes
	mvn -q -B -f fixtures/tables/rest/pom.xml dependency:copy-dependencies -DoutputDirectory=$(@D)/lib
	javac -cp '$(@D)/lib/*' -d $(@D)/classes fixtures/tables/rest/Catalog.java
	@touch $@

# Tables that deltalake and pyiceberg write, and Iceberg tables by hand, each version counted by DuckDB's readers.
.PHONY: test-tables
test-tables: build build/.venv-tables/ready ## Delta and Iceberg tables by real writers, each version against another reader (a JDK and mvn add a real REST catalog)
	go build -o build/bin/icebergtables ./fixtures/cmd/icebergtables
	@if command -v mvn >/dev/null && command -v javac >/dev/null; then $(MAKE) --no-print-directory $(REST_CATALOG)/ready; \
		else echo "mvn or javac is not installed: a real REST catalog is not tried"; fi
	cd fixtures/tables && $$([ -f $(REST_CATALOG)/ready ] && echo env REST_CATALOG=$(REST_CATALOG)) FEATUREAUDIT=$(CURDIR)/$(BIN) ICEBERG_TABLES=$(CURDIR)/build/bin/icebergtables $(CURDIR)/build/.venv-tables/bin/python -m pytest --quiet -p no:cacheprovider

.PHONY: test-writers
test-writers: build/.venv-writers/ready ## content sums of tables that pyarrow and polars wrote again
	FEATUREAUDIT_TEST_PYTHON=$(CURDIR)/build/.venv-writers/bin/python go test -tags writers,disable_grpc_modules -run OtherWriters ./audit/content

# Pages of made-up reports and of the incident, for the browser.
PAGES := build/pages
PAGE_TEST := build/page-test
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome || echo /usr/bin/chromium)

.PHONY: pages
pages: audit
	@mkdir -p $(PAGES)
	go run ./fixtures/cmd/reports $(PAGES)
	@cp $(INCIDENT)/report.json $(PAGES)/incident.json
	@for report in $(PAGES)/*.json; do $(BIN) report $$report --out html=$${report%.json}.html || exit 1; done

$(PAGE_TEST)/ready: audit/render/page/test/package.json audit/render/page/test/package-lock.json
	@command -v node >/dev/null || { echo "make: node (20 or newer) is needed for tests in a browser" >&2; exit 1; }
	@[ -x "$(CHROMIUM)" ] || { echo "installing chromium"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }
	@mkdir -p $(PAGE_TEST)
	cp audit/render/page/test/package*.json $(PAGE_TEST)/
	cd $(PAGE_TEST) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: test-html
test-html: pages $(PAGE_TEST)/ready ## the HTML report in headless Chromium, with axe; pictures go to build/page-test/screens
	@cp audit/render/page/test/*.cjs $(PAGE_TEST)/
	cd $(PAGE_TEST) && CHROMIUM=$(CHROMIUM) PAGES=$(CURDIR)/$(PAGES) SCREENS=screens node --test --test-reporter=spec page.test.cjs

.PHONY: screenshot
screenshot: pages $(PAGE_TEST)/ready ## make the picture of the HTML report that the README shows
	@cp audit/render/page/test/*.cjs $(PAGE_TEST)/
	cd $(PAGE_TEST) && CHROMIUM=$(CHROMIUM) PAGE=$(CURDIR)/$(PAGES)/incident.html PICTURE=$(CURDIR)/audit/docs/report.png node picture.cjs
