#!/usr/bin/env bash
# Every C file is as clang-format writes it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
our_files '*.c' '*.h' | xargs clang-format --dry-run -Werror
