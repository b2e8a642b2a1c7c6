#!/usr/bin/env bash
# Our scripts: shellcheck finds nothing in them.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
our_files . | while IFS= read -r file; do
	case $(head -c 80 "$file" | head -1 | tr -d '\0') in
	'#!'*bash* | '#!/bin/sh'* | '# shellcheck shell='*) echo "$file" ;;
	esac
done | xargs -P "$(nproc)" -n 4 shellcheck -x
