#!/usr/bin/env bash
# No source file is longer than 650 lines, no test (a table of cases more often than not) longer than 1300. Data files are: LDIF,
# fixtures, the licence.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
our_files . | grep -vE '\.ldif$|^tests/fixtures/|^tests/fuzz/corpus/|^LICENSE$' | xargs wc -l |
	awk '{ most = $2 ~ /^tests\// ? 1300 : 650 }
		$2 != "total" && $1 > most { print $2 ": " $1 " lines"; bad = 1 } END { exit bad }'
