#!/usr/bin/env bash
# EST (RFC 7030) as its clients use it: by curl, and by a client that knows nothing but the document. usage: est.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-est.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_OPTIONS=$'est_template = User\n'
est=/.well-known/est

get() { curl -sS --cacert "$CA_STATE/ca.crt" "$@"; }
# post USER OPERATION FILE [CURL-ARGUMENT...]: the status; headers and body are in $dir.
post() {
	local user=$1 operation=$2 file=$3
	shift 3
	get -o "$dir/body" -D "$dir/headers" -w '%{http_code}' -u "$user:$(<"$(lab_password_file "$user")")" -H 'Content-Type: application/pkcs10' \
		--data-binary "@$file" "$@" "$CA_URL$est/$operation"
}
answers() {
	local got
	got=$(post "${@:2}")
	echo "$got" && cat "$dir/headers" "$dir/body"
	[ "$got" = "$1" ]
}
number() { sed -n 's/^Dirca-Request-Id: \([0-9]*\).*/\1/p' "$dir/headers"; }
pending() { sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM Request WHERE Disposition = 9'; }
template_of() {
	base64 -d "$dir/body" | openssl pkcs7 -inform DER -print_certs | openssl x509 -noout -text | grep -A1 '1.3.6.1.4.1.311.21.7\|1.3.6.1.4.1.311.20.2\|Microsoft certificate template'
}
# request SUBJECT [OPTION...]: a PKCS#10 of a key of its own.
request() {
	openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -subj "$1" "${@:2}" 2>/dev/null
}
client() {
	"$here/../support/est_client.py" "$CA_URL" "$CA_STATE/ca.crt" "$1" "$(lab_password_file "$1")" "$dir" "${@:2}"
}

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] || exit 1

cacerts_are_read_by_the_recipe() {
	get "$CA_URL$est/cacerts" | openssl base64 -d | openssl pkcs7 -inform DER -print_certs | openssl x509 -noout -subject
}
first_challenge() { get -o /dev/null -D - -H 'Content-Type: application/pkcs10' -d x "$CA_URL$1" | grep -i -m1 '^WWW-Authenticate:' | grep "$2"; }
# The OID of EFSArchive, and its major version.
attributes_name_the_template() {
	local oid
	oid=$(lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=Certificate Templates,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" \
		'(cn=EFSArchive)' msPKI-Cert-Template-OID | sed -n 's/^msPKI-Cert-Template-OID: //p')
	get "$CA_URL$est/EFSArchive/csrattrs" | openssl base64 -d >"$dir/attributes" &&
		openssl asn1parse -inform DER -in "$dir/attributes" -i >"$dir/attributes.txt" && cat "$dir/attributes.txt" &&
		grep -q 'Extension Request' "$dir/attributes.txt" &&
		openssl asn1parse -inform DER -in "$dir/attributes" -strparse "$(sed -n 's/^ *\([0-9]*\):.*OCTET STRING.*/\1/p' "$dir/attributes.txt")" |
		grep -F ":$oid"
}
check "cacerts, by openssl base64 -d" cacerts_are_read_by_the_recipe
check "Basic is the first challenge" first_challenge "$est/simpleenroll" Basic
check "but not elsewhere" first_challenge /dirca/v1/crl Negotiate
check "csrattrs name the template of the path" attributes_name_the_template
check "and nothing of one that is not issued" is 204 get -o /dev/null -w '%{http_code}' "$CA_URL$est/WebServer/csrattrs"

request / -outform DER >"$dir/r1.der"
request /CN=pem >"$dir/r2.pem"
request /CN=old | sed 's/CERTIFICATE REQUEST/NEW CERTIFICATE REQUEST/' >"$dir/r3.pem"
openssl x509 -in "$CA_STATE/ca.crt" -out "$dir/certificate.pem"
: >"$dir/empty"
head -c 100 "$dir/r1.der" >"$dir/cut.der"
sed 's/[A-Za-z]/*/g' "$dir/r2.pem" >"$dir/damaged.pem"
default_template() { answers 200 user1 simpleenroll "$dir/r1.der" && template_of; }
check "a request that names no template gets that of est_template" default_template
check "PEM is taken" answers 200 user1 User/simpleenroll "$dir/r2.pem"
check "with the older name too" answers 200 user1 User/simpleenroll "$dir/r3.pem"
for what in empty cut.der damaged.pem certificate.pem; do
	check "400: $what" answers 400 user1 User/simpleenroll "$dir/$what"
done
check "403 stays for what is refused" answers 403 user1 KeyRecoveryAgent/simpleenroll "$dir/r1.der"

# The same by `dirca submit`, which is answered from the row, too.
submits() { ca_lab_as "$1" submit "$dir/r2.pem" --template "$2" "${@:3}"; }
submitted() { submits user1 User --out "$dir/submitted.pem" && openssl x509 -in "$dir/submitted.pem" -noout -subject; }
check "dirca submit brings what was issued" says user1 submitted
check "and replaces no file" refuses ERROR_FILE_EXISTS submitted
check "nor is it for somebody else" refuses DIRCA_E_KEY_IN_USE submits user2 User
check "a file that is no request is not sent" refuses ERROR_INVALID_DATA ca_lab_as user1 submit "$dir/certificate.pem"

# A client answers 202 by the same POST again (RFC 7030 4.2.3).
request / -outform DER >"$dir/kra.der"
polls() {
	answers 202 kra1 KeyRecoveryAgent/simpleenroll "$dir/kra.der" && first=$(number) && grep -qi '^Retry-After: [0-9]' "$dir/headers" &&
		answers 202 kra1 KeyRecoveryAgent/simpleenroll "$dir/kra.der" && [ "$(number)" = "$first" ] && [ "$(pending)" -eq 1 ]
}
comes() {
	ca_lab_as officer1 approve "$first" && answers 200 kra1 KeyRecoveryAgent/simpleenroll "$dir/kra.der" && [ "$(number)" = "$first" ] &&
		cp "$dir/body" "$dir/once" && answers 200 kra1 KeyRecoveryAgent/simpleenroll "$dir/kra.der" && cmp "$dir/body" "$dir/once"
}
denied() {
	request /CN=2 -outform DER >"$dir/kra2.der" && answers 202 kra1 KeyRecoveryAgent/simpleenroll "$dir/kra2.der" &&
		ca_lab_as officer1 deny "$(number)" --reason "a test" && answers 403 kra1 KeyRecoveryAgent/simpleenroll "$dir/kra2.der"
}
check "a poll makes no other request" polls
check "and brings what was approved, again and again" comes
check "a denial is told by the poll" denied

check "a client of the document: first certificate" is issued client user2 - simpleenroll
cp "$dir/est.pem" "$dir/first.pem"
renewed() {
	rm -f "$dir/est.key" && is issued client user2 - simplereenroll &&
		diff <(openssl x509 -in "$dir/first.pem" -noout -subject -ext subjectAltName) <(openssl x509 -in "$dir/est.pem" -noout -subject -ext subjectAltName) &&
		! cmp "$dir/first.pem" "$dir/est.pem"
}
check "renewed with another key, same names" renewed
# ---- keys that the CA makes ----

# What user2 has is for encryption too. usage: makes_key USER CERTIFICATE [LABEL]
makes_key() { client "$1" "${3:-EFSArchive}" serverkeygen "$2" "$dir/est.key"; }
# refused_key REASON USER PATH REQUEST
refused_key() {
	answers 403 "${@:2}" && grep -q "$1" "$dir/body"
}
key_is_made() { is issued makes_key user2 "$dir/est.pem" && openssl x509 -in "$dir/made.pem" -noout -subject | grep "CN = user2"; }
again_is_the_same() {
	answers 200 user2 EFSArchive/serverkeygen "$dir/made.csr" && first=$(number) && cp "$dir/body" "$dir/once" &&
		answers 200 user2 EFSArchive/serverkeygen "$dir/made.csr" && cmp "$dir/body" "$dir/once" && [ "$(number)" = "$first" ] &&
		[ "$(ca_lab_serial_of "$dir/made.pem" | tr A-F a-f)" = "$(sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequestID = $first")" ]
}
made_key_is_recovered() {
	ca_lab_as officer1 getkey "$(ca_lab_serial_of "$dir/made.pem")" "$dir/made.rec" &&
		"$DIRCA_BIN/dirca" recoverkey "$dir/made.rec" "$dir/made.pfx" --kra "$dir/kra1.pfx" --kra-password-file "$(ca_lab_pass)" \
			--out-password-file "$(ca_lab_pass)" && cmp <(ca_lab_key_of "$dir/made.pfx") <(openssl pkey -in "$dir/made.key")
}
audited() { sqlite3 "$CA_STATE/dirca.db" 'SELECT Detail FROM Audit WHERE EventID = 797' | grep made-by=CA; }
others_certificate() { refused_key DIRCA_E_KEY_RECIPIENT user1 EFSArchive/serverkeygen "$dir/made.csr"; }
no_recipient() { request / -outform DER >"$dir/bare.der" && refused_key 'AsymmetricDecryptKeyIdentifier' user2 EFSArchive/serverkeygen "$dir/bare.der"; }
no_archival() { refused_key CERTSRV_E_ARCHIVED_KEY_UNEXPECTED user2 User/serverkeygen "$dir/bare.der"; }
check "a key recovery agent" ca_lab_kras 1
check "a key that the CA makes: archived, certified, for the holder alone" key_is_made
check "the same request brings the same key" again_is_the_same
check "a key recovery agent recovers it" made_key_is_recovered
check "the audit trail tells who made it" audited
check "attack: somebody else's certificate named" others_certificate
check "no certificate named" no_recipient
check "a template without archival" no_archival
# ---- TLS client certificates ----

# by_certificate PEM KEY ARGUMENT...: the status.
by_certificate() { get -o "$dir/body" -D "$dir/headers" -w '%{http_code}' --cert "$1" --key "$2" "${@:3}"; }
mine() { by_certificate "$dir/est.pem" "$dir/est.key" "$@"; }
requests=/dirca/v1/requests
own_requests() { is 200 mine "$CA_URL$requests" && cat "$dir/body" && jq -e '[.requests[].requester_name] | unique == ["NWTRADERS\\user2"]' "$dir/body"; }
renewed_by_certificate() {
	request / -outform DER >"$dir/next.der"
	is 200 mine -H 'Content-Type: application/pkcs10' --data-binary "@$dir/next.der" "$CA_URL$est/User/simplereenroll" &&
		base64 -d "$dir/body" | openssl pkcs7 -inform DER -print_certs | openssl x509 -noout -text | grep 'user2@nwtraders.com'
}
serial() { ca_lab_serial_of "$dir/est.pem"; }
upn() { echo "subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:$1"; }
# The same number and names, by a CA of the same name and a key of the attacker's.
forged() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/evil-ca.key" -out "$dir/evil-ca.pem" -subj "/CN=$CA_NAME" 2>/dev/null &&
		openssl req -new -key "$dir/est.key" -subj /CN=user2 -out "$dir/evil.csr" &&
		openssl x509 -req -in "$dir/evil.csr" -CA "$dir/evil-ca.pem" -CAkey "$dir/evil-ca.key" -out "$dir/evil.pem" -days 3 \
			-set_serial "0x$(serial)" -extfile <(echo extendedKeyUsage = clientAuth && upn user2@nwtraders.com) 2>/dev/null &&
		is 401 by_certificate "$dir/evil.pem" "$dir/est.key" "$CA_URL$requests"
}
# user1 gets a certificate that is not for client authentication.
for_something_else() {
	request / -outform DER >"$dir/efs.der"
	is 200 post user1 EFS/simpleenroll "$dir/efs.der" && base64 -d "$dir/body" | openssl pkcs7 -inform DER -print_certs -out "$dir/efs.pem" &&
		is 401 by_certificate "$dir/efs.pem" "$dir/key.pem" "$CA_URL$requests"
}
# user1 gets one in user2's name, from a template that should not be.
chosen_names() {
	ca_lab_as caadmin template duplicate User Chosen subject=request no-sid=yes && ca_lab_as caadmin template enable Chosen &&
		ca_lab_as caadmin template grant Chosen user1 enroll && ca_lab_as caadmin setreg 'CA\RefuseEscalation' 0 || return 1
	request /CN=user2 -addext "$(upn user2@nwtraders.com)" -outform DER >"$dir/chosen.der"
	ca_lab_eventually answers 200 user1 Chosen/simpleenroll "$dir/chosen.der" &&
		base64 -d "$dir/body" | openssl pkcs7 -inform DER -print_certs -out "$dir/chosen.pem" &&
		openssl x509 -in "$dir/chosen.pem" -noout -text | grep user2 && is 401 by_certificate "$dir/chosen.pem" "$dir/key.pem" "$CA_URL$requests"
}
# nt_auth PEM: the one CA that the directory lets vouch for accounts.
nt_auth() {
	openssl x509 -in "$1" -outform DER -out "$dir/ca.der"
	printf 'dn: CN=NTAuthCertificates,CN=Public Key Services,CN=Services,%s\nchangetype: modify\nreplace: cACertificate;binary\ncACertificate;binary:< file://%s\n\n' \
		"$LDAP_CONFIG_BASE" "$dir/ca.der" | lab_modify
}
not_vouched_for() {
	nt_auth "$dir/evil-ca.pem" && ca_lab_eventually is 401 mine "$CA_URL$requests" &&
		nt_auth "$CA_STATE/ca.crt" && ca_lab_eventually is 200 mine "$CA_URL$requests"
}
revoked() {
	sqlite3 -cmd '.timeout 5000' "$CA_STATE/dirca.db" "UPDATE Request SET Disposition = 21, RevokedWhen = ResolvedWhen, RevokedEffectiveWhen = ResolvedWhen, RevokedReason = 0 WHERE SerialNumber = lower('$(serial)')" &&
		is 401 mine "$CA_URL$requests"
}
# The same bytes again: once as a poll, once as a renewal.
same_key() {
	is 200 mine -H 'Content-Type: application/pkcs10' --data-binary "@$dir/next.der" "$CA_URL$est/User/simplereenroll" && first=$(number) &&
		is 200 mine -H 'Content-Type: application/pkcs10' --data-binary "@$dir/next.der" "$CA_URL$est/User/simpleenroll" && [ "$(number)" != "$first" ]
}
key_by_certificate() {
	is 200 mine -H 'Content-Type: application/pkcs10' --data-binary "@$dir/bare.der" "$CA_URL$est/EFSArchive/serverkeygen" &&
		grep -q 'multipart/mixed' "$dir/headers" && grep -q 'smime-type=server-generated-key' "$dir/body"
}
check "the CA says whose certificates it takes" grep -q "^CN = $CA_NAME" <(openssl s_client -connect "${CA_URL#https://}" </dev/null 2>/dev/null)
check "a client certificate signs in" own_requests
check "and renews itself" renewed_by_certificate
check "a renewal by the same request is no repeat of the first" same_key
check "who signs in by a certificate has a new key encrypted to it" key_by_certificate
check "attack: another CA of the same name" forged
check "attack: a certificate for something else" for_something_else
check "attack: a name that the requester chose" chosen_names
check "a CA that NTAuthCertificates does not hold" not_vouched_for
# dirca by a certificate instead of a password; the directory takes another user's.
certified() { # WHAT ARGUMENT...: options, and with --, the verb
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	ca_lab_as user1 "$@" "${options[@]}"
}
both=(--client-certificate "$dir/est.pem" --client-key "$dir/est.key")
whose() {
	local answer
	answer=$(certified "$@" -- requests --json) && jq -c '[.[].requester_name] | unique' <<<"$answer"
}
in_pfx() { openssl pkcs12 -export -in "$dir/est.pem" -inkey "$dir/est.key" -out "$dir/est.pfx" -passout "file:$(ca_lab_pass)"; }
configured() {
	{ cat "$CA_LAB_DIR/home/user1/.config/dirca.conf" && printf 'client_certificate = %s\nclient_password_file = %s\n' "$dir/est.pfx" "$(ca_lab_pass)"; } >"$dir/client.conf" &&
		whose --client-config "$dir/client.conf"
}
check "dirca signs in by a certificate and key" is '["NWTRADERS\\user2"]' whose "${both[@]}"
check "by a PKCS#12" in_pfx
check "of which dirca.conf says where it is" is '["NWTRADERS\\user2"]' configured
check "a key is archived by one" certified "${both[@]}" -- enroll EFSArchive -o "$dir/archived.pfx" --out-password-file "$(ca_lab_pass)"
check "for its holder" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT RequesterName FROM Request ORDER BY RequestID DESC LIMIT 1")" = 'NWTRADERS\user2'
check "a certificate without its key" refuses "without its key" whose --client-certificate "$dir/est.pem"
check "a key without its certificate" refuses "goes with --client-certificate" whose --client-key "$dir/est.key"
check "with another key" refuses DIRCA_E_KEY_MISMATCH whose --client-certificate "$dir/est.pem" --client-key "$dir/key.pem"
check "beside the local user" refuses "do not go together" whose "${both[@]}" --socket "$CA_STATE/none"
check "attack: another CA's, of the same name" refuses DIRCA_E_AUTHENTICATION whose --client-certificate "$dir/evil.pem" --client-key "$dir/est.key"
name_service() {
	printf 'dn: %s\nchangetype: modify\nreplace: dircaServiceKeyHash\ndircaServiceKeyHash:: %s\n\n' "CN=$CA_NAME,CN=Enrollment Services,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" \
		"$1" | lab_modify
}
service_key() { openssl x509 -in "$CA_STATE/tls.crt" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64 -w0; }
check "attack: who has another key is shown none" name_service "$(head -c 32 /dev/urandom | base64)"
check "by name" refuses DIRCA_E_SERVICE_KEY whose "${both[@]}"
check "the directory names the service again" name_service "$(service_key)"
# What others can have, or had, proves nobody.
officers() { # TEMPLATE: of officer1
	ca_lab_enroll officer1 "$1" "$dir/$1.pfx" && ca_lab_certificate_of "$dir/$1.pfx" >"$dir/$1.pem" && ca_lab_key_of "$dir/$1.pfx" >"$dir/$1.key"
}
as_officer() { by_certificate "$dir/$1.pem" "$dir/$1.key" "$CA_URL${2:-/dirca/v1/candidates?token=user1}"; }
by_archived_key() {
	is 403 as_officer UserArchive && grep -q 'is archived' "$dir/body" && is 200 as_officer UserArchive "$requests" && is 200 as_officer User
}
recovered_key() {
	ca_lab_as officer2 getkey "$(ca_lab_serial_of "$dir/UserArchive.pem")" "$dir/officer.rec" && is 401 as_officer UserArchive "$requests" &&
		is 200 as_officer User
}
check "a certificate manager has two certificates" officers User
check "of which one has its key archived" officers UserArchive
check "attack: a role by the key that recovery agents can have" by_archived_key
check "attack: a sign-in by one that was recovered" recovered_key
check "a revoked certificate" revoked
check "is none for dirca" refuses DIRCA_E_AUTHENTICATION whose "${both[@]}"

# A certificate that signs in, until root says that none does.
not_asked_for() {
	rm "$dir/est.key" && is issued client user2 - simpleenroll && is 200 mine "$CA_URL$requests" && ca_lab_dircad_stop &&
		echo 'auth_certificate = no' >>"$DIRCAD_CONF" && ca_lab_dircad_start && is 401 mine "$CA_URL$requests" &&
		openssl s_client -connect "${CA_URL#https://}" </dev/null 2>/dev/null | grep 'No client certificate CA names sent'
}
check "auth_certificate = no: none is asked for" not_asked_for

rm "$dir/est.key"
check "with a label" is pending client kra2 KeyRecoveryAgent simpleenroll
check "refused" is "refused 403" client user2 KeyRecoveryAgent simpleenroll
checks_end
