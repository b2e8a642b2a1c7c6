#!/usr/bin/env bash
# Nothing of ours is ignored by git. No core files, keys, databases or objects among our files; no private key text outside the fixtures.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
bad=0
if git -c safe.directory='*' ls-files -oi --exclude-standard -- base directory templates ca cli ldif docs tests | grep -v '__pycache__'; then
	echo "  are ignored: mend .gitignore, or nobody else will have them" >&2
	bad=1
fi
if our_files . | grep -E '(^|/)core(\.[0-9]+)?$|\.(o|a|so|db|db-wal|pfx|p12|rec|log)$|(^|/)a\.out$'; then
	echo "  are artefacts" >&2
	bad=1
fi
if our_files . | grep -v '^tests/fixtures/' | grep '\.key$'; then
	echo "  are keys" >&2
	bad=1
fi
pattern='-----BEGIN [A-Z ]*PRIVATE'' KEY-----'
if our_files . | grep -v '^tests/fixtures/' | xargs grep -lE -e "^$pattern" ; then
	echo "  hold private keys" >&2
	bad=1
fi
exit $bad
