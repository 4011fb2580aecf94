# Everything a person or CI does with this project. `make` alone says what there is.
.PHONY: help packages test-packages build release demo test campaign lint format measure crash-test benchmark fault-table bad-radio install uninstall clean

prefix ?= /usr
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
catalogdir ?= $(prefix)/lib/systemd/catalog

help:
	@echo 'make demo      see it work without hardware: simulated modem and cloud, two messages, then yours'
	@echo 'make test      all tests (what needs root is skipped, and said, for others)'
	@echo 'make campaign  hours of trouble in virtual time (RUNS=10000 SEED=1; CAMPAIGN_SEED=… traces one)'
	@echo 'make lint      formatting and style'
	@echo 'make format    format the sources'
	@echo 'make release   an optimised build that needs no Swift on the target'
	@echo 'make install   daemon, units, catalog, example configuration, man page, completions (DESTDIR, prefix)'
	@echo 'make crash-test  hundreds of kills and power cuts under load, against mosquitto (half an hour; SEED=…)'
	@echo 'make benchmark what a queued message costs: time, bytes written, memory with many waiting'
	@echo 'make measure   what the idle daemon costs: memory, wake-ups, time to READY'
	@echo 'make fault-table, make bad-radio   what faults cost end to end (docs/faults.md), ten to fifteen minutes each'

packages:
	@scripts/need-packages build

test-packages:
	@scripts/need-packages build test

build: packages
	swift build --build-tests

release: packages
	swift build -c release --static-swift-stdlib --product espbridged

demo: packages
	@scripts/demo

test: test-packages
	@scripts/test

campaign: packages
	@scripts/campaign $(or $(RUNS),10000) $(or $(SEED),1)

lint:
	swift format lint --strict --parallel --recursive Package.swift Sources Tests
	@scripts/lint

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests

crash-test: test-packages
	swift build
	@Tests/crash/run long $(SEED)

benchmark: release test-packages
	swift build --product espsim
	@Benchmarks/durability

measure: test-packages
	@scripts/measure

fault-table: test-packages build
	@Tests/faults/table --write docs/faults.md
	@Tests/faults/table --tls --write docs/faults.md

bad-radio: test-packages build
	@Tests/faults/bad-radio

install: release
	install -D -s -m 755 .build/release/espbridged $(DESTDIR)$(prefix)/bin/espbridged
	install -D -m 644 etc/espbridged.service $(DESTDIR)$(unitdir)/espbridged.service
	install -D -m 644 etc/espbridged.socket $(DESTDIR)$(unitdir)/espbridged.socket
	install -D -m 644 etc/espbridged.catalog $(DESTDIR)$(catalogdir)/espbridged.catalog
	@test -n "$(DESTDIR)" || journalctl --update-catalog || \
		echo 'journalctl --update-catalog has to be run, for journalctl -x to explain entries'
	install -D -m 644 docs/espbridged.8 $(DESTDIR)$(prefix)/share/man/man8/espbridged.8
	install -d $(DESTDIR)$(prefix)/share/bash-completion/completions $(DESTDIR)$(prefix)/share/zsh/site-functions
	.build/release/espbridged --generate-completion-script bash \
		>$(DESTDIR)$(prefix)/share/bash-completion/completions/espbridged
	.build/release/espbridged --generate-completion-script zsh >$(DESTDIR)$(prefix)/share/zsh/site-functions/_espbridged
	install -d -m 700 $(DESTDIR)$(sysconfdir)/espbridged.d
	test -e $(DESTDIR)$(sysconfdir)/espbridged.conf || \
		install -D -m 644 etc/espbridged.conf $(DESTDIR)$(sysconfdir)/espbridged.conf

uninstall:
	rm -f $(DESTDIR)$(prefix)/bin/espbridged $(DESTDIR)$(unitdir)/espbridged.service \
		$(DESTDIR)$(unitdir)/espbridged.socket $(DESTDIR)$(catalogdir)/espbridged.catalog \
		$(DESTDIR)$(prefix)/share/man/man8/espbridged.8 \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/espbridged \
		$(DESTDIR)$(prefix)/share/zsh/site-functions/_espbridged

clean:
	swift package clean
