#!/usr/bin/env bash
# S1: the CA as an oracle for somebody else's archived key. An enrollee who caught a request of another has it opened in pieces; then a
# client that goes on with wrong keys, and many that do. S01_OPTIONS: lines for dircad.conf instead of those that lift the budgets.
# ORACLE: the program s01_oracle, where DIRCA_BIN has none. usage: s01_oracle.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s01.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

# What the answers are is asked 3,000 times: the budgets, which would end that after 30, have their turn below.
export CA_LAB_OPTIONS=${S01_OPTIONS-$'archive_failures_requester = 1000000\narchive_failures_key = 1000000\n'}

# budget REQUESTER KEY: dircad with these limits from now on, and PKCS#8 taken.
budget() {
	ca_lab_dircad_stop && sed -i '/^archive_/d' "$DIRCAD_CONF" &&
		printf 'archive_pkcs8 = yes\narchive_failures_requester = %s\narchive_failures_key = %s\n' "$1" "$2" >>"$DIRCAD_CONF" && ca_lab_dircad_start
}

oracle() {
	lab_password_file user1 && lab_password_file user2 &&
		"${ORACLE:-$DIRCA_BIN/s01_oracle}" --port "${CA_URL##*:}" --ca "$CA_STATE/ca.crt" --victim user2 --attacker user1 \
			--passwords "$LAB_DIR/passwords" "$@"
}

exchange() { curl -sf --cacert "$CA_STATE/ca.crt" -u "user2:$(<"$(lab_password_file user2)")" "$CA_URL/dirca/v1/exchange-certificate" | sha256sum; }

archives() {
	local answer
	answer=$(ca_lab_enroll "$1" EFSArchive "$dir/$1.$SRANDOM.pfx") && jq -e .archived <<<"$answer"
}

other_exchange() { [ "$(exchange)" != "$before" ]; }

logged() { grep -q "$1" "$dir/dircad.log"; }

# In the audit trail, with the code of the refusal: DIRCA_E_ARCHIVAL_SUSPENDED.
audited() { [ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE printf('%X', StatusCode & 4294967295) = 'A0DC0016'")" -gt 0 ]; }

check "a CA with KRAs" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
check "no quota, which would end the questions early" ca_lab_no_quota
check "3,000 questions about a caught key have one answer" oracle --queries 3000
sed 's/^/     /' "$dir/check.out"
check "a key in PKCS#8 is such an answer too" oracle --mode pkcs8 --expect "could not be archived"

check "dircad with small budgets" budget 10 1000
check "a key in PKCS#8 is archived where root says so" oracle --mode pkcs8 --expect "200 "
before=$(exchange)
check "who goes on sending wrong keys is suspended" oracle --mode budget --queries 12 --expect DIRCA_E_ARCHIVAL_SUSPENDED
check "and an event says so" logged 'event="archival suspended"'
check "the audit trail too" audited
check "his own keys are not archived meanwhile" refuses DIRCA_E_ARCHIVAL_SUSPENDED archives user1
check "control: others' are" archives user2
check "dircad that bears 20 wrong keys under an exchange key" budget 1000 20
check "over it the exchange key is retired" oracle --mode budget --queries 22 --expect DIRCA_E_XCHG_CERT
check "and an event says so" logged 'event="exchange key retired"'
check "there is another exchange certificate at once" other_exchange
check "control: keys are archived under it" archives user2
checks_end
