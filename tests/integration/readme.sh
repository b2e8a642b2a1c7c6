#!/usr/bin/env bash
# What README.md shows is true: every console block that is marked as tested is run, and prints what it says.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export DIRCA_BIN=${DIRCA_BIN:-$here/../../build/dev/bin}
dir=$(mktemp -d /tmp/dirca-readme.XXXXXX)
finish() {
	[ ! -x "$dir/demo/stop" ] || "$dir/demo/stop" >/dev/null 2>&1
	rm -rf "$dir"
}
trap finish EXIT
cd "$here/../.." || exit 1
python3 tests/support/console.py README.md "/tmp/demo=$dir/demo"
