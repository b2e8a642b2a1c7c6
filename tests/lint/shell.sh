#!/usr/bin/env bash
# Our scripts: shellcheck finds nothing in them.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
our_files . | while IFS= read -r file; do
	LC_ALL=C IFS= read -r -n 80 first <"$file" || true
	case $first in
	'#!'*bash* | '#!/bin/sh'* | '# shellcheck shell='*) echo "$file" ;;
	esac
done | xargs -P "$(nproc)" -n 4 shellcheck -x
