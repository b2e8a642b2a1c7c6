#!/usr/bin/env bash
# Refusals as an HTTPS client meets them: the code in Dirca-Error, the status, and nothing stored but the failed request.
# (What is wrong inside a CMC message is tested below HTTP, in tests/unit/enroll; what is too large, in http_limits.sh.) usage: refusals.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-refusals.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

rows() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Request WHERE $1"; }
keys() { sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM RequestBlob WHERE RawArchivedKey IS NOT NULL'; }

# post USER PATH FILE: headers and status of the answer.
post() {
	curl -sS -o "$dir/answer" -D - --cacert "$CA_STATE/ca.crt" -u "$1:$(<"$(lab_password_file "$1")")" \
		-H 'Content-Type: application/octet-stream' --data-binary "@$3" "$CA_URL$2"
}

# refused STATUS CODE ROWS POST-ARGUMENTS...: ROWS is how many failed requests it leaves behind.
refused() {
	local status=$1 code=$2 more=$3 failed issued archived answer
	shift 3
	failed=$(rows 'Disposition IN (30, 31)') issued=$(rows 'Disposition = 20') archived=$(keys)
	answer=$(post "$@") || return 1
	echo "$answer"
	[[ $answer == HTTP/1.1\ $status* ]] && { [ -z "$code" ] || grep -q "^Dirca-Error: 0x[0-9A-F]* $code" <<<"$answer"; } || return 1
	[ "$(rows 'Disposition IN (30, 31)')" -eq $((failed + more)) ] || { echo "failed rows"; return 1; }
	[ "$(rows 'Disposition = 20')" -eq "$issued" ] && [ "$(keys)" -eq "$archived" ]
}

truncated_everywhere() {
	local size at
	size=$(stat -c %s "$dir/good.der")
	for ((at = 1; at < size; at += 37)); do
		head -c "$at" "$dir/good.der" >"$dir/cut.der"
		refused '[45]' '' 1 user1 /.well-known/est/UserSignature/simpleenroll "$dir/cut.der" || { echo "cut at $at"; return 1; }
	done
}

# curl signs in by a password alone, which is bound to no channel.
export CA_LAB_OPTIONS=$'channel_binding = off\n'
check "a CA with KRAs" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -subj / -outform DER -out "$dir/good.der" 2>/dev/null
openssl req -new -key "$dir/key.pem" -subj /CN=again -outform DER -out "$dir/another.der"
openssl req -new -newkey rsa:1024 -nodes -keyout "$dir/short.pem" -subj / -outform DER -out "$dir/short.der" 2>/dev/null
cp "$dir/good.der" "$dir/tampered.der" && damage "$dir/tampered.der" -1
{ cat "$dir/good.der"; printf 'x'; } >"$dir/longer.der"

est=/.well-known/est
check "control: the request is good" post user1 "$est/User/simpleenroll" "$dir/good.der"
check "control: and a certificate came of it" grep -q MII "$dir/answer"
check "an unknown template" refused 4 CERTSRV_E_UNSUPPORTED_CERT_TYPE 1 user1 "$est/NoSuchTemplate/simpleenroll" "$dir/good.der"
check "a template that this CA does not issue" refused 4 CERTSRV_E_UNSUPPORTED_CERT_TYPE 1 user1 "$est/ClientAuth/simpleenroll" "$dir/good.der"
check "no template at all" refused 4 CERTSRV_E_NO_CERT_TYPE 1 user1 "$est/simpleenroll" "$dir/another.der"
check "no right to enroll" refused 403 CERTSRV_E_TEMPLATE_DENIED 1 user1 "$est/KeyRecoveryAgent/simpleenroll" "$dir/good.der"
check "no key where one must be archived" refused 4 CERTSRV_E_ARCHIVED_KEY_REQUIRED 1 user1 "$est/EFSArchive/simpleenroll" "$dir/good.der"
check "a key that is too short" refused 4 CERTSRV_E_KEY_LENGTH 1 user1 "$est/User/simpleenroll" "$dir/short.der"
check "a tampered signature" refused 4 NTE_BAD_SIGNATURE 1 user1 "$est/User/simpleenroll" "$dir/tampered.der"
check "a byte too many" refused 4 ERROR_INVALID_DATA 1 user1 "$est/User/simpleenroll" "$dir/longer.der"
check "a PKCS#10 where CMC is expected" refused 4 '' 1 user1 "$est/fullcmc" "$dir/good.der"
check "the Windows 2003 request, for its SHA-1" refused 4 NTE_BAD_ALGID 1 user1 "$est/fullcmc" "$here/../fixtures/cmc/cmc-request.der"
check "truncated requests" truncated_everywhere
check "what is neither DER nor base64" refused 400 ERROR_INVALID_DATA 0 user1 "$est/User/simpleenroll" <(echo 'MIIB****')
check "nothing of that is an error of the CA" test "$(grep -c 'level=error' "$dir/dircad.log")" -eq 0
check "who may not recover" refused 403 E_ACCESSDENIED 0 user1 /dirca/v1/recovery-blobs <(printf '{"serial":"01"}')
check "a serial number without a key" refused 404 CERTSRV_E_PROPERTY_EMPTY 0 officer1 /dirca/v1/recovery-blobs <(printf '{"serial":"01"}')
check "who may not change settings" refused 403 E_ACCESSDENIED 0 officer1 /dirca/v1/crl /dev/null
for who in disabled1 expired1 locked1; do
	check "the account of $who may not act" refused 401 '' 0 "$who" "$est/User/simpleenroll" "$dir/good.der"
done
check "nothing of it was archived" test "$(keys)" -eq 0

# ---- what docs/openapi.yaml says ----
for who in user1 caadmin officer1 auditor; do
	lab_password_file "$who" >/dev/null
done
live() { "$here/../support/openapi_live.py" "$CA_URL" "$CA_STATE/ca.crt" "$dir/passwords" user1@nwtraders.com 'NWTRADERS\officer1' 'NWTRADERS\user1' EFSArchive "$@"; }
other_description() { # without one member of the status, and another type of one
	sed -e '/^        kra_threshold:/d' -e 's/^        free_megabytes: {type: integer/        free_megabytes: {type: string/' \
		"$here/../../docs/openapi.yaml" >"$dir/other.yaml"
	live "$dir/other.yaml" >"$dir/other.out"
	[ $? -eq 1 ] && grep -q kra_threshold "$dir/other.out" && grep -q free_megabytes "$dir/other.out" && grep -q 'tells another description' "$dir/other.out"
}
check "a key is archived" ca_lab_enroll user1 EFSArchive "$dir/archived.pfx"
check "a case about it" ca_lab_as officer1 case open user1@nwtraders.com --reason lost --ticket T-1
check "live answers are as they are described" live
check "which another description does not hold" other_description

# ---- who may do what ----
rights() { ca_lab_as caadmin ca rights "$@"; }
matrix() { "$here/../support/role_matrix.py" "$CA_URL" "$CA_STATE/ca.crt" "$dir/passwords" "$dir/good.der" "$dir/good.cmc" "$@"; }
# The request in a CMC message, signed by its own key: PKIData of RFC 5272 with nothing but it.
cmc() {
	python3 -c 'import sys
def der(tag, content): return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content
request = der(0xA0, b"\2\1\1" + sys.stdin.buffer.read())
sys.stdout.buffer.write(der(0x30, b"\x30\0" + der(0x30, request) + b"\x30\0\x30\0"))' <"$dir/good.der" >"$dir/pkidata.der" &&
		openssl req -x509 -new -key "$dir/key.pem" -subj / -out "$dir/self.pem" &&
		openssl cms -sign -keyid -nocerts -nodetach -binary -econtent_type 1.3.6.1.5.5.7.12.2 -md sha256 -signer "$dir/self.pem" \
			-inkey "$dir/key.pem" -in "$dir/pkidata.der" -outform DER -out "$dir/good.cmc"
}
apart() {
	ca_lab_dircad_stop && printf 'role_separation = yes\nkra_flags = KRAF_ENABLEFOREIGN\n' >>"$DIRCAD_CONF" && ca_lab_dircad_start
}
for who in user4 user5 user6 officer2; do
	lab_password_file "$who" >/dev/null
done
check "a CMC message" cmc
everybody="outsider=user4 enrollee=user1 reader=user5 operator=user6 auditor=auditor officer=officer1 admin=caadmin"
check "one may enroll, one read, one operate" eval 'rights grant user1 enroll && rights grant user5 read && rights grant user6 operator &&
	rights revoke "Authenticated Users" enroll read'
# shellcheck disable=SC2086 # words
check "each role may do what is its own, and nothing else" ca_lab_eventually matrix $everybody
filter() { ca_lab_as "$1" setreg 'CA\AuditFilter' "${@:2}"; }
audited() { ca_lab_as auditor audit log --all --event "$1" --json | jq -e "length == $2"; }
check "an administrator turns the audit of failed and good searches off" filter caadmin -AUDIT_FILTER_KEYARCHIVAL -AUDIT_FILTER_STARTSTOP
check "which is audited" audited audit-filter 1
before=$(ca_lab_as auditor audit log --all --event keys-searched --json | jq length)
check "who searches for a key then" refuses CRYPT_E_NOT_FOUND ca_lab_as officer1 getkey user2@nwtraders.com
check "leaves no trace" audited keys-searched "$before"
check "KRA flags are root's" refuses 'kra_flags of dircad.conf' ca_lab_as caadmin setreg 'CA\KRAFlags' +KRAF_ENABLEFOREIGN
check "officer2 is an administrator too" rights grant officer2 admin
check "roles are kept apart" apart
check "an administrator then sets no audit filter" refuses E_ACCESSDENIED filter caadmin 0x7f
check "the auditor does" filter auditor +AUDIT_FILTER_KEYARCHIVAL +0x1
check "and nothing else" refuses E_ACCESSDENIED ca_lab_as auditor setreg 'CA\CRLPeriod' '3 Days'
check "KRA flags are shown" test "$(ca_lab_as caadmin getreg 'CA\KRAFlags')" = 'CA\KRAFlags = KRAF_ENABLEFOREIGN'
check "and the filter" test "$(ca_lab_as caadmin getreg --json 'CA\AuditFilter' | jq -r '.[]' | wc -w)" -eq 7
# shellcheck disable=SC2086 # words
check "who has two roles has none" ca_lab_eventually matrix $everybody both=officer2
checks_end
