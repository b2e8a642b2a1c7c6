#!/usr/bin/env bash
# S9: a certificate manager approves what he asked for himself, asked for as an enrollment agent, or what would certify his own
# name, and retrieves his own key. usage: s09_own_requests.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s09.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_OPTIONS='sign_kinds = kra enrollment-agent
'

admin() { ca_lab_as caadmin "$@"; }

# pends USER TEMPLATE [OPTION...]: asks, and leaves the request's number in $dir/id.
pends() {
	local user=$1 template=$2 answer
	shift 2
	answer=$(ca_lab_enroll "$user" "$template" "$dir/$user-$SRANDOM.pfx" "$@") && echo "$answer" || return 1
	jq -e 'select(.disposition == "pending").request_id' <<<"$answer" >"$dir/id"
}
decide() { ca_lab_as "$1" "$2" "$(<"$dir/id")"; }
disposition() { sqlite3 "$CA_STATE/dirca.db" "SELECT Disposition FROM Request WHERE RequestID = $(<"$dir/id")"; }
waits() { [ "$(disposition)" = 9 ]; }
key_of() { sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequesterName = 'NWTRADERS\\$1' AND CertificateTemplate = 'EFSArchive'"; }
explained() {
	local answer
	answer=$(admin explain recover "$1" "$2" --json) && echo "$answer" && jq -e "$3" <<<"$answer"
}


# The name is the requester's choice, and a manager looks at it.
chosen_names() {
	admin template duplicate WebServer Printer approval=yes && admin template enable Printer &&
		admin template grant Printer user1 enroll
}
# asks_for WHO: user1 sends a PKCS#10 that names WHO.
asks_for() {
	local status
	openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/chosen.key" -subj /CN=printer -outform DER -out "$dir/chosen.der" \
		-addext "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:$1@nwtraders.com" 2>/dev/null || return 1
	status=$(curl -sS -o "$dir/answer" -w '%{http_code}' --cacert "$CA_STATE/ca.crt" -u "user1:$(<"$(lab_password_file user1)")" \
		-H 'Content-Type: application/pkcs10' --data-binary "@$dir/chosen.der" "$CA_URL/.well-known/est/Printer/simpleenroll")
	cat "$dir/answer"
	[ "$status" = 202 ] && sqlite3 "$CA_STATE/dirca.db" 'SELECT max(RequestID) FROM Request' >"$dir/id"
}
agent() {
	admin template enable EnrollmentAgent && admin template grant EnrollmentAgent officer1 enroll &&
		admin template duplicate User Card ra-signatures=1 ra-application-policies=enrollmentAgent on-behalf-of=yes approval=yes &&
		admin template enable Card && admin template grant Card officer1 enroll &&
		ca_lab_eventually ca_lab_enroll officer1 EnrollmentAgent "$dir/agent.pfx"
}

check "a CA with two KRAs" ca_lab_start "$dir"
check "control: officer1 approves others' requests" ca_lab_kras 2
check "officer1 may ask for a KRA certificate" admin template grant KeyRecoveryAgent officer1 enroll

check "officer1 asks to become a KRA" ca_lab_eventually pends officer1 KeyRecoveryAgent
check "attack: officer1 approves it himself" refuses DIRCA_E_OWN_REQUEST decide officer1 approve
check "the request waits" waits
check "control: officer2 may" decide officer2 approve

check "officer1 asks again" pends officer1 KeyRecoveryAgent
check "to deny one's own request is not forbidden: it gives nobody anything" decide officer1 deny
check "it is denied" test "$(disposition)" = 31

check "user1 archives a key" ca_lab_enroll user1 EFSArchive "$dir/user1-key.pfx"
check "officer1 archives a key" ca_lab_enroll officer1 EFSArchive "$dir/officer1-key.pfx"
check "attack: officer1 retrieves his own key" refuses DIRCA_E_OWN_REQUEST ca_lab_as officer1 getkey "$(key_of officer1)" "$dir/own.rec"
check "nothing was written" test ! -e "$dir/own.rec"
check "control: officer2 retrieves it" ca_lab_as officer2 getkey "$(key_of officer1)" "$dir/other.rec"
check "control: officer1 retrieves another's" ca_lab_as officer1 getkey "$(key_of user1)" "$dir/user1.rec"
check "explained the same way" explained officer1 "$(key_of officer1)" \
	'.keys[0] | (.allowed | not) and .refusal.name == "DIRCA_E_OWN_REQUEST" and .steps[-1].check == "own-request"'
check "the refused retrieval is in the audit trail" test "$(sqlite3 "$CA_STATE/dirca.db" \
	"SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = 0 AND Actor = 'NWTRADERS\\officer1'")" = 1

check "a template whose names the requester chooses" chosen_names
check "user1 asks for a certificate with the UPN of officer1" ca_lab_eventually asks_for officer1
check "attack: officer1 approves it" refuses DIRCA_E_OWN_REQUEST decide officer1 approve
check "control: officer2 may" decide officer2 approve

check "officer1 is an enrollment agent" agent
# shellcheck disable=SC2046 # two words
check "and asks on behalf of user2" ca_lab_eventually pends officer1 Card --on-behalf-of 'NWTRADERS\user2' \
	--agent "$dir/agent.pfx" --agent-password-file "$(ca_lab_pass)"
check "attack: officer1 approves what the agent asked" refuses DIRCA_E_OWN_REQUEST decide officer1 approve
check "control: officer2 may" decide officer2 approve
checks_end
