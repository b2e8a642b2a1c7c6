#!/usr/bin/env bash
# clang-tidy finds nothing in the product's own sources. usage: tidy.sh BUILD_FOLDER (with compile_commands.json)
set -euo pipefail
build=$(cd "$1" && pwd)
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
our_files 'base/*.c' 'directory/*.c' 'templates/*.c' 'ca/*.c' 'cli/*.c' |
	xargs -P "$(nproc)" -n 16 clang-tidy --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option 2>&1 |
	grep -vE '^[0-9]+ warnings? generated\.$|^Suppressed |^Use -header-filter' >"$build/tidy.log" || true
if grep -qE 'warning:|error:' "$build/tidy.log"; then
	cat "$build/tidy.log"
	exit 1
fi
