#!/usr/bin/env bash
# No file of ours is longer than 500 lines. (Data files are: LDIF, fixtures, the licence.)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
our_files . | grep -vE '\.ldif$|^tests/fixtures/|^tests/fuzz/corpus/|^LICENSE$' | xargs wc -l |
	awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines"; bad = 1 } END { exit bad }'
