#!/usr/bin/env bash
# S5: a key recovery agent with a copy of the database needs no officer, or believes a changed BLOB. S13: the key that a client keeps
# while its request waits is guessed, or is guarded by nothing. S14: a name that reads otherwise than it is written is certified, or
# reaches the terminal of an officer. usage: s05_s13_s14.sh S05_FORGE
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

forge=${1:?the program that forges a BLOB}
dir=$(mktemp -d /tmp/dirca-s05.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

rows() { sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM Request'; }

issues() { ca_lab_as user2 explain enroll user2 "$1" >/dev/null; }

# ---- S5

recover() { # BLOB OUT [OPTION...], by kra1
	local blob=$1 out=$2
	shift 2
	"$DIRCA_BIN/dirca" recoverkey "$blob" "$out" --kra "$dir/kra1.pfx" --kra-password-file "$(ca_lab_pass)" \
		--out-password-file "$(ca_lab_pass)" "$@"
}

retrieved() { ca_lab_as officer1 getkey user1@nwtraders.com "$dir/user1.rec"; }

tells_the_officer() {
	recover "$dir/user1.rec" "$dir/honest.pfx" | tee "$dir/honest.out"
	[ -s "$dir/honest.pfx" ] || return 1
	grep -q 'officer1' "$dir/honest.out" && "$DIRCA_BIN/dirca" dump "$dir/user1.rec" | grep -q 'Officer: NWTRADERS.officer1'
}

# The audit row that the BLOB names is that of the retrieval.
names_its_audit_row() {
	local row
	row=$("$DIRCA_BIN/dirca" dump "$dir/user1.rec" | sed -n 's/^ *Audit row: //p')
	[ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT EventID || Actor FROM Audit WHERE AuditRowId = ${row:-0}")" = '787NWTRADERS\officer1' ]
}

# forge_blob SUBJECT OUT: signed by a CA of that name, made on the spot.
forge_blob() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/made-up.pem" -out "$dir/made-up.crt" -subj "$1" -days 3650 \
		-addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null &&
		openssl x509 -in "$dir/made-up.crt" -outform DER -out "$dir/made-up.der" &&
		openssl x509 -in "$dir/kra1.crt" -outform DER -out "$dir/kra1.der" || return 1
	cp "$CA_STATE/dirca.db" "$dir/stolen.db" && cp "$CA_STATE/dirca.db-wal" "$dir/stolen.db-wal" 2>/dev/null
	sqlite3 "$dir/stolen.db" "SELECT writefile('$dir/archived.der', b.RawArchivedKey), writefile('$dir/cert.der', r.RawCertificate)
		FROM RequestBlob b JOIN Request r USING (RequestID) WHERE b.RawArchivedKey IS NOT NULL LIMIT 1" >/dev/null || return 1
	"$forge" "$dir/made-up.pem" "$dir/made-up.der" "$dir/archived.der" "$dir/cert.der" "$dir/kra1.der" "$2"
}

# What recoverkey refuses it does not write.
not_recovered() {
	refuses "$1" recover "$2" "$dir/forged.pfx" "${@:3}" && [ ! -e "$dir/forged.pfx" ]
}

# The agent's PKCS#12 with one iteration, for the hundreds of times that it is opened.
fast_kra() {
	openssl pkcs12 -in "$dir/kra1.pfx" -passin "file:$(ca_lab_pass)" -nodes -out "$dir/kra1.pem" 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/kra1.pem" -iter 1 -passout "file:$(ca_lab_pass)" -out "$dir/fast.pfx"
}

flipped_bits() {
	fast_kra || return 1
	"$here/s05_flip.py" "$dir/user1.rec" "$dir" "$DIRCA_BIN/dirca" recoverkey @BLOB @OUT --kra "$dir/fast.pfx" --kra-password-file \
		"$(ca_lab_pass)" --out-password-file "$(ca_lab_pass)"
}

# ---- S13

# The iterations of PBKDF2 in an encrypted PKCS#8 file.
iterations() {
	printf '%d\n' "0x$(openssl asn1parse -in "$1" | sed -n 's/.*prim: INTEGER *:\([0-9A-F]*\)$/\1/p' | head -1)"
}

kept_key_is_guarded() {
	[ "$(iterations "$dir/kept.pfx.key")" -ge 600000 ] || { iterations "$dir/kept.pfx.key"; return 1; }
}

empty_password() {
	local before
	before=$(rows)
	: >"$dir/empty"
	refuses "the password is empty" ca_lab_as user1 enroll User --out "$dir/em.pfx" --out-password-file "$dir/empty" || return 1
	[ ! -e "$dir/em.pfx.key" ] && [ "$(rows)" -eq "$before" ]
}

# ---- S14

# ask NAME: a request of user2 for a certificate with this common name, made without dirca.
ask() {
	openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -utf8 -subj "/CN=$1" -addext "subjectAltName=$2" -outform DER \
		-out "$dir/named.der" 2>/dev/null || return 1
	curl -sS -o "$dir/answer" -D - --cacert "$CA_STATE/ca.crt" -u "user2:$(<"$(lab_password_file user2)")" \
		-H 'Content-Type: application/pkcs10' --data-binary "@$dir/named.der" "$CA_URL/.well-known/est/WebServer/simpleenroll"
}

refused_name() {
	local answer
	answer=$(ask "$@") || return 1
	echo "$answer"
	grep -q "^Dirca-Error: 0x[0-9A-F]* CERTSRV_E_BAD_REQUESTSUBJECT" <<<"$answer"
}

honest_name() { ask 'müller 王小明' 'DNS:www.example' | grep '^HTTP/1.1 200'; }

# Rows of before the cure may hold such names: what an officer is shown of them has no such character in it.
shows() {
	"$@" >"$dir/shown" 2>&1
	grep -q 'gpj.exe' "$dir/shown" || { cat "$dir/shown"; return 1; }
	! grep -q "$(printf '\u202e\|\u009b')" "$dir/shown"
}

old_row() {
	sqlite3 "$CA_STATE/dirca.db" "UPDATE Request SET RequesterName = 'NWTRADERS\' || char(155) || '31m' || char(8238) || 'gpj.exe'
		WHERE RequestID = (SELECT max(RequestID) FROM Request WHERE Disposition = 20)"
}

bare_json() {
	curl -sS --cacert "$CA_STATE/ca.crt" -u "officer1:$(<"$(lab_password_file officer1)")" "$CA_URL/dirca/v1/requests"
}

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && {
	check "S5: two KRAs" ca_lab_kras 2
	check "S5: a key is archived" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
	check "S5 control: an officer retrieves it" retrieved
	check "S5 control: a KRA opens it, with the CA of his own PKCS#12, and is told who retrieved it" tells_the_officer
	check "S5: the BLOB names the row of the audit trail" names_its_audit_row
	subject=$(openssl x509 -in "$CA_STATE/ca.crt" -noout -subject -nameopt rfc2253 | sed 's/^subject=//; s/,/\//g')
	check "S5: a BLOB is forged from a stolen row" forge_blob "/$subject" "$dir/forged.rec"
	check "S5: a made-up CA of the same name is not believed" not_recovered CERT_E_UNTRUSTEDROOT "$dir/forged.rec"
	check "S5: not even without the chain" not_recovered CERT_E_UNTRUSTEDROOT "$dir/forged.rec" --accept-unsigned-chain --accept-sha1
	check "S5: one who names that CA is on his own" recover "$dir/forged.rec" "$dir/own.pfx" --ca "$dir/made-up.crt"
	check "S5: a flipped bit at every tenth byte is found" flipped_bits
	check "a template whose enrollee supplies the name" ca_lab_as caadmin template enable WebServer
	check "and user2 may enroll for it" ca_lab_as caadmin template grant WebServer user2 enroll
	check "and dircad has seen it" ca_lab_eventually issues WebServer
	check "S13 control: a request waits" ca_lab_enroll kra1 KeyRecoveryAgent "$dir/kept.pfx"
	check "S13: the kept key costs 600,000 rounds a guess" kept_key_is_guarded
	check "S13: an empty password is refused before anything is made or sent" empty_password
	check "S14 control: names of people are certified" honest_name
	check "S14: a terminal's escape sequence is not" refused_name $'pay\u009b31mRED\u009b0m' 'DNS:www.example'
	check "S14: a name that runs backwards is not" refused_name $'pay\u202egpj.exe' 'DNS:www.example'
	check "S14: nor is it in an alternative name" refused_name pay $'otherName:1.3.6.1.4.1.311.20.2.3;UTF8:pay\u202egpj.exe'
	check "a row as of then" old_row
	check "S14: such a name of an old row is shown escaped" shows ca_lab_as officer1 requests
	check "S14: in JSON too" shows ca_lab_as officer1 requests --json
	check "S14: and in the service's own answer" shows bare_json
}
checks_end
