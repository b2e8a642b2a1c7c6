#!/usr/bin/env bash
# What README.md shows is true: every console block that is marked as tested is run, and prints what it says.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export DIRCA_BIN=${DIRCA_BIN:-$here/../../build/dev/bin}
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
dir=$(mktemp -d /tmp/dirca-readme.XXXXXX)
checks_begin "$dir"
finish() {
	[ ! -x "$dir/demo/stop" ] || "$dir/demo/stop" >/dev/null 2>&1
	checks_clean "$dir"
}
trap finish EXIT
cd "$here/../.." || exit 1
check "what README.md shows is true" python3 tests/support/console.py README.md "/tmp/demo=$dir/demo"
checks_end
