#!/usr/bin/env bash
# S10: an account of which the domain controller does not tell the CA whether it is disabled asks twice: the second request must not
# find it in a cache that forgot that it is unknown. Samba AD only: elsewhere no server is expected to have the attribute.
# usage: s10_hidden_state.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
export DIRECTORY=samba
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
if why=$(samba_lab_missing); then
	echo "SKIP $why"
	exit 77
fi

dir=$(mktemp -d /tmp/dirca-s10.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

USER_ACCOUNT_CONTROL=bf967a68-0de6-11d0-a285-00aa003049e2 # schemaIDGUID, [MS-ADA3] 2.342
DIRCAD_RID=1117

# ask USER: the status of each of three requests. Kerberos: a password check would look at the account by itself.
ask() {
	local url=$CA_URL/dirca/v1/requests home
	home=$(ca_lab_home "$1")
	KRB5CCNAME=FILE:$home/ccache curl -sS -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} ' --cacert "$CA_STATE/ca.crt" \
		--negotiate -u : "$url" "$url" "$url"
}

hide_state() {
	samba-tool dsacl set -H "$LDAPI_URI" -s "$dir/ad/smb.conf" --objectdn="CN=$1,CN=Users,$LDAP_BASE" \
		--sddl="(OD;;RP;$USER_ACCOUNT_CONTROL;;$SAMBA_LAB_SID-$DIRCAD_RID)"
}

answers() {
	local got
	got=$(ask "$1")
	echo "$got"
	[ "$got" = "$2" ]
}

check "a CA on Samba AD" ca_lab_start "$dir" gssapi
for user in user1 user2; do
	check "a ticket for $user" ca_lab_as "$user" requests
done
sleep 5 # PRINCIPAL_CACHE_TTL_MS
check "control: user1 is answered" answers user1 "200 200 200 "
check "the state of user2 is hidden from the CA" hide_state user2
check "attack: user2 is refused every time" answers user2 "403 403 403 "
check "the sentence says what is hidden" grep -q 'NWTRADERS\\\\user2 is disabled, expired or locked out is hidden' "$dir/dircad.log"
checks_end
