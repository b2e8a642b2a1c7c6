#!/usr/bin/env bash
# The committed files that ldif/tools/make-ldif writes are exactly what it writes today.
set -euo pipefail
ldif=$(cd "$(dirname "$0")/../../ldif" && pwd)
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT

"$ldif/tools/make-ldif" "$again"
count=0
while IFS= read -r file; do
	cmp "$again/$file" "$ldif/$file" || {
		echo "ldif/$file differs from what ldif/tools/make-ldif writes: run it, or change the tool instead of the file" >&2
		exit 1
	}
	count=$((count + 1))
done < <(cd "$again" && find . -type f)
[ "$count" -eq 5 ] || {
	echo "make-ldif wrote $count files, expected 5" >&2
	exit 1
}
