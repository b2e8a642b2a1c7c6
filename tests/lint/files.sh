# shellcheck shell=bash
# For the lints: cd to the top of the source tree, and the list of what is ours.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# our_files PATTERN...: files that git tracks or would track.
our_files() {
	local file
	git -c safe.directory='*' ls-files -co --exclude-standard -- "$@" | while IFS= read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}
