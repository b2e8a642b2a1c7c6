#!/usr/bin/env bash
# Every C file is as clang-format 14 writes it; other versions write some lines otherwise. Status 77: Debian 13 has only a later one.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
clang-format --version | grep -q 'version 14\.' || { clang-format --version; exit 77; }
our_files '*.c' '*.h' | xargs clang-format --dry-run -Werror
