#!/usr/bin/env bash
# Library headers stay in the rooms that own them (docs/ARCHITECTURE.md).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=files.sh
. "$(dirname "$0")/files.sh"
bad=0

# only_in HEADER PATTERN: HEADER is included by files of the product that match PATTERN (an extended regular expression), and
# by at least one of them: a rule about nothing is a mistake.
only_in() {
	local header=$1 allowed=$2 users
	users=$(our_files '*.c' '*.h' | grep -v '^tests/' | xargs grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]+[<\"](${header})[>\"]" || true)
	[ -n "$users" ] || { echo "$header: included by no file; mend the rule" >&2; bad=1; }
	if grep -vE "$allowed" <<<"$users" | grep .; then
		echo "  may not include <$header>" >&2
		bad=1
	fi
}
only_in 'ldap\.h' '^directory/ldap/'
only_in 'ldif\.h' '^directory/ldap/dir_ldif\.c$'
only_in 'sqlite3\.h' '^ca/store/'
only_in 'openssl/asn1t\.h' '_asn1\.[ch]$'
only_in 'sasl/[a-z]*\.h' '^(directory/ldap/[a-z_]*|ca/service/sasl_server|cli/client/sasl_client)\.c$'
only_in 'gssapi/[a-z0-9_]*\.h' '^(ca/service/gss_server\.c|directory/ldap/kerberos\.[ch])$'
only_in 'krb5\.h' '^directory/ldap/kerberos\.c$'
only_in 'event2/[a-z_]*\.h' '^ca/service/'
only_in 'curl/curl\.h' '^(cli/client/(http_client|tls_channel)|ca/service/(notifier|mail_send)|ca/core/crl_http)\.[ch]$'
only_in 'jansson\.h' '^(ca/service|cli)/|^ca/backup/manifest\.c$'
only_in 'p11-kit/[a-z0-9]*\.h' '^ca/keys/token_random\.c$'
only_in 'seccomp\.h' '^ca/vault/'
exit $bad
