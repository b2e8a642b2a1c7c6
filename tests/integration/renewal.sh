#!/usr/bin/env bash
# Renewals and enrollment agents from the command line, with real templates.
# usage: renewal.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-renewal.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_OPTIONS='sign_kinds = kra enrollment-agent
'

admin() { ca_lab_as caadmin "$@"; }
signer() { echo "--$1 $2 --$1-password-file $(ca_lab_pass)"; } # OPTION FILE
# enroll USER TEMPLATE OUT OPTION...
enroll() { ca_lab_enroll "$@" >"$dir/answer.json" && cat "$dir/answer.json"; }
answer() { jq -e "$1" "$dir/answer.json"; }
public_key() { ca_lab_certificate_of "$1" | openssl x509 -noout -pubkey; }
row() { sqlite3 "$CA_STATE/dirca.db" "SELECT $1 FROM Request WHERE RequestID = $(jq .request_id "$dir/answer.json")"; }
same_key() { cmp <(public_key "$1") <(public_key "$2"); }
another_key() { ! cmp -s <(public_key "$1") <(public_key "$2"); }
issues() { ca_lab_status ".templates | index(\"$1\") != null" >/dev/null; }

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- renewal ----
check "user1 has an archived key" enroll user1 EFSArchive "$dir/first.pfx"
# shellcheck disable=SC2046 # several words
check "and renews it with a new one" enroll user1 EFSArchive "$dir/second.pfx" $(signer renew "$dir/first.pfx")
check "which is archived too" answer .archived
check "which is another" another_key "$dir/first.pfx" "$dir/second.pfx"
check "recorded as a renewal" is 2 row "RequestFlags & 2"
# shellcheck disable=SC2046
check "with the same key" enroll user1 EFSArchive "$dir/third.pfx" --same-key $(signer renew "$dir/first.pfx")
check "which is archived again" answer .archived
check "and is the same" same_key "$dir/first.pfx" "$dir/third.pfx"
# shellcheck disable=SC2046
check "without archival" enroll user1 User "$dir/user.pfx"
# shellcheck disable=SC2046
check "renewed too" enroll user1 User "$dir/user2.pfx" $(signer renew "$dir/user.pfx")
# shellcheck disable=SC2046
check "user2 may not renew it" refuses CERTSRV_E_BAD_RENEWAL_SUBJECT \
	enroll user2 User "$dir/other.pfx" $(signer renew "$dir/user.pfx")
# shellcheck disable=SC2046
check "nor for another template" refuses CERTSRV_E_TEMPLATE_CONFLICT \
	enroll user1 EFS "$dir/other.pfx" $(signer renew "$dir/user.pfx")
# A disk that is full when the certificate comes: p256 keys are smaller than a block, PKCS#12 files are not.
full() { (trap '' XFSZ && ulimit -f 1 && ca_lab_enroll user1 User "$dir/full.pfx" --key p256 2>&1); }
newest() { sqlite3 "$CA_STATE/dirca.db" "SELECT max(RequestID) FROM Request"; }
check "a PKCS#12 that cannot be written" refuses DIRCA_E_IO full
check "leaves the key" test -s "$dir/full.pfx.key"
check "with which the certificate is fetched" ca_lab_as user1 retrieve "$(newest)" --key-file "$dir/full.pfx.key" \
	--out "$dir/fetched.pfx" --out-password-file "$(ca_lab_pass)"
check "and it is that key's" public_key "$dir/fetched.pfx"
check "--same-key alone" refuses DIRCA_E_USAGE enroll user1 User "$dir/other.pfx" --same-key

# ---- enrollment agents ----
grant() { # NAME TRUSTEE
	admin template enable "$1" && admin template grant "$1" "$2" enroll && ca_lab_eventually issues "$1"
}
check "a template for agents" grant EnrollmentAgent officer2
check "a template that wants one" admin template duplicate User Card ra-signatures=1 ra-application-policies=enrollmentAgent \
	on-behalf-of=yes
check "of this CA" grant Card officer2
check "officer2 becomes an agent" ca_lab_eventually enroll officer2 EnrollmentAgent "$dir/agent.pfx"
# shellcheck disable=SC2046
check "and enrolls user1" ca_lab_eventually enroll officer2 Card "$dir/card.pfx" --on-behalf-of 'NWTRADERS\user1' \
	$(signer agent "$dir/agent.pfx")
check "the subject is user1" grep -q 'CN = user1' <(ca_lab_certificate_of "$dir/card.pfx" | openssl x509 -noout -subject -nameopt oneline)
check "in the database too" is 'NWTRADERS\user1|NWTRADERS\officer2' row "RequesterName, CallerName"
audit() { # WORD
	sqlite3 "$CA_STATE/dirca.db" "SELECT Actor, Detail FROM Audit WHERE EventID = 790 ORDER BY RowID DESC LIMIT 1" | grep -F "$1"
}
check "the audit trail has the agent" audit 'NWTRADERS\officer2|'
check "and the subject" audit 'requester=NWTRADERS\user1'
check "without a signature" refuses CERTSRV_E_SIGNATURE_POLICY_REQUIRED enroll officer2 Card "$dir/other.pfx"
# shellcheck disable=SC2046
check "with a certificate that makes no agent" refuses CERTSRV_E_SIGNATURE_REJECTED enroll officer2 Card "$dir/other.pfx" \
	--on-behalf-of 'NWTRADERS\user1' $(signer agent "$dir/card.pfx")
# shellcheck disable=SC2046
check "for nobody" refuses CERTSRV_E_BAD_REQUESTSUBJECT enroll officer2 Card "$dir/other.pfx" \
	--on-behalf-of 'NWTRADERS\nobody' $(signer agent "$dir/agent.pfx")
check "on behalf of another without an agent" refuses DIRCA_E_USAGE enroll officer2 Card "$dir/other.pfx" --on-behalf-of user1

checks_end
