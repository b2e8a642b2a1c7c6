#!/usr/bin/env bash
# mandoc has nothing to say about the manual pages.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
mapfile -t pages < <(our_files 'docs/man/*')
[ ${#pages[@]} -gt 0 ]
said=$(mandoc -T lint -W style "${pages[@]}" | grep -v 'STYLE: referenced manual not found' || true)
[ -z "$said" ] || { echo "$said"; exit 1; }
