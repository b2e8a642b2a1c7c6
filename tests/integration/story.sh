#!/usr/bin/env bash
# The whole story (paper, "Understanding the Archival Process", "Understanding the Key Recovery Process"), each artefact read by other programs too.
# DIRECTORY=samba: on a Samba AD instead of OpenLDAP; 389ds: on a 389 Directory Server; status 77 where none can run.
# usage: story.sh [MECH] [--key KIND] [--kra KIND] [--ca-key KIND] [--name "CA NAME"]     MECH: see tests/support/ca_lab.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

mech=scram key=rsa2048 kra_key=rsa2048 ca_key=rsa2048 name=NWTraders-CA
case ${1:-} in
scram | gssapi | basic | external)
	mech=$1
	shift
	;;
esac
while [ $# -ge 2 ]; do
	case $1 in
	--key) key=$2 ;;
	--kra) kra_key=$2 ;;
	--ca-key) ca_key=$2 ;;
	--name) name=$2 ;;
	*) break ;;
	esac
	shift 2
done
[ $# -eq 0 ] || { echo "story.sh: unknown argument $1" >&2; exit 2; }

[ "$DIRECTORY" != samba ] || ! samba_lab_missing || exit 77
[ "$DIRECTORY" != 389ds ] || ! ds389_lab_missing || exit 77

dir=$(mktemp -d /tmp/dirca-story.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_DIR=$dir

# Whose key it is: the local user is one person, whoever plays.
subject=user1
[ "$mech" != external ] || subject=$CA_LAB_LOCAL
pass=$(ca_lab_pass)

# GET of the REST interface by curl, as the subject, with curl's own Negotiate, Basic or the Unix socket.
rest() {
	case $mech in
	external)
		curl -sSf --unix-socket "$CA_SOCKET" "http://localhost$1"
		;;
	gssapi)
		KRB5CCNAME=FILE:$(ca_lab_home "$subject")/ccache curl -sSf --cacert "$CA_STATE/ca.crt" --negotiate -u : "$CA_URL$1"
		;;
	*)
		printf 'user = "%s:%s"\n' "$subject" "$(<"$(lab_password_file "$subject")")" |
			curl -sSf --cacert "$CA_STATE/ca.crt" --basic -K - "$CA_URL$1"
		;;
	esac
}

ca_certificate_is_sound() {
	openssl verify -CAfile "$CA_STATE/ca.crt" "$CA_STATE/ca.crt" &&
		openssl verify -CAfile "$CA_STATE/ca.crt" -verify_hostname localhost "$CA_STATE/tls.crt" &&
		certtool --certificate-info --infile "$CA_STATE/ca.crt" | grep -q 'Certificate Authority (CA): TRUE'
}

directory_names_the_ca() {
	local services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" sought
	for sought in Enrollment\ Services AIA Certification\ Authorities; do
		lab_admin ldapsearch -LLL -b "CN=$CA_NAME,CN=$sought,$services" -s base cACertificate |
			grep -q '^cACertificate\(;binary\)\{0,1\}::' || { echo "not below CN=$sought"; return 1; }
	done
	lab_admin ldapsearch -LLL -b "CN=CDP,$services" '(objectClass=cRLDistributionPoint)' certificateRevocationList |
		grep -q '^certificateRevocationList\(;binary\)\{0,1\}::'
}

kra_template_pends() {
	local answer
	answer=$(ca_lab_enroll kra1 KeyRecoveryAgent "$dir/pends.pfx" --key "$kra_key") && echo "$answer" &&
		[ "$(jq -r .disposition <<<"$answer")" = pending ] && [ ! -e "$dir/pends.pfx" ] &&
		refuses DIRCA_E_PENDING ca_lab_as kra1 retrieve "$(jq .request_id <<<"$answer")" --key-file "$dir/pends.pfx.key" \
			--out "$dir/pends.pfx" --out-password-file "$pass" &&
		ca_lab_as officer1 deny "$(jq .request_id <<<"$answer")" --reason "only a test"
}

kras_are_in_the_directory() {
	ca_lab_as caadmin kra list --json >"$dir/kras.json" && cat "$dir/kras.json" &&
		lab_admin ldapsearch -LLL -b "CN=KRA,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" \
			'(objectClass=msPKI-PrivateKeyRecoveryAgent)' userCertificate >"$dir/kras.ldif" &&
		[ "$(grep -c '^userCertificate\(;binary\)\{0,1\}::' "$dir/kras.ldif")" -eq 3 ]
}

kra_certificates_are_sound() {
	local i
	for i in 1 2 3; do
		openssl verify -CAfile "$CA_STATE/ca.crt" "$dir/kra$i.crt" &&
			openssl x509 -in "$dir/kra$i.crt" -noout -ext extendedKeyUsage | grep -q '1.3.6.1.4.1.311.21.6' || return 1
	done
}

without_kras_nothing_is_archived() {
	refuses CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED ca_lab_enroll "$subject" EFSArchive "$dir/early.pfx" --key "$key" &&
		[ ! -e "$dir/early.pfx" ] && [ ! -e "$dir/early.pfx.key" ]
}

user_enrolls() {
	ca_lab_enroll "$subject" EFSArchive "$dir/user.pfx" --key "$key" >"$dir/user.json" && cat "$dir/user.json" &&
		jq -e '.disposition == "issued" and .archived' "$dir/user.json" &&
		[ "$(stat -c %a "$dir/user.pfx")" = 600 ] && [ ! -e "$dir/user.pfx.key" ] &&
		ca_lab_certificate_of "$dir/user.pfx" >"$dir/user.crt" && ca_lab_key_of "$dir/user.pfx" >"$dir/user.key" &&
		serial=$(jq -er .serial_number "$dir/user.json")
}

certificate_is_sound() {
	openssl verify -CAfile "$CA_STATE/ca.crt" "$dir/user.crt" &&
		openssl x509 -in "$dir/user.crt" -noout -text >"$dir/user.txt" &&
		certtool --certificate-info --infile "$dir/user.crt" >"$dir/user.certtool" &&
		grep -q '1.3.6.1.4.1.311.10.3.4\|Microsoft Encrypted File System' "$dir/user.txt" &&
		grep -q '1.3.6.1.4.1.311.21.7\|Microsoft certificate template' "$dir/user.txt" &&
		grep -q "$subject@nwtraders.com" "$dir/user.txt" "$dir/user.certtool" &&
		grep -q "$CA_HTTP_URL/dirca/" "$dir/user.txt"
}

cmc_response_is_sound() {
	rest "/dirca/v1/requests/$(jq .request_id "$dir/user.json")/certificate" >"$dir/response.p7" &&
		openssl cms -verify -inform DER -in "$dir/response.p7" -CAfile "$CA_STATE/ca.crt" -purpose any -out "$dir/response.pkidata" &&
		openssl asn1parse -inform DER -in "$dir/response.pkidata" >"$dir/response.txt" &&
		openssl cms -cmsout -print -inform DER -in "$dir/response.p7" | grep -q '1.3.6.1.5.5.7.12.3\|id-cct-PKIResponse' &&
		certtool --p7-info --inder --infile "$dir/response.p7" >"$dir/response.certtool" &&
		"$DIRCA_BIN/dirca" dump "$dir/response.p7"
}

crl_is_sound() {
	local path
	path=/dirca/$(jq -rn --arg n "$CA_NAME" '$n | @uri').crl
	ca_lab_as caadmin crl && curl -sf "$CA_HTTP_URL$path" -o "$dir/ca.crl" &&
		openssl crl -inform DER -in "$dir/ca.crl" -CAfile "$CA_STATE/ca.crt" -noout &&
		openssl crl -inform DER -in "$dir/ca.crl" -out "$dir/ca.crl.pem" &&
		openssl verify -crl_check -CAfile "$CA_STATE/ca.crt" -CRLfile "$dir/ca.crl.pem" "$dir/user.crt" &&
		certtool --crl-info --inder --infile "$dir/ca.crl"
}

user_encrypts_and_loses_the_key() {
	echo "The quarterly figures of Northwind Traders" >"$dir/plain" &&
		openssl cms -encrypt -aes256 -binary -in "$dir/plain" -outform DER -out "$dir/encrypted" "$dir/user.crt" &&
		sha256sum <"$dir/user.key" >"$dir/user.key.sha256" && mv "$dir/user.key" "$dir/user.key.lost" && rm "$dir/user.pfx"
}

# One candidate, the right one, whatever it is called.
finds() {
	rm -f "$dir/found.rec"
	ca_lab_as officer1 getkey "$1" "$dir/found.rec" --json >"$dir/found.json" && cat "$dir/found.json" &&
		jq -e --arg s "$serial" '[.candidates[].serial_number] == [$s]' "$dir/found.json"
}

others_find_nothing() {
	[ "$mech" = external ] || refuses E_ACCESSDENIED ca_lab_as user2 getkey "$subject@nwtraders.com"
}

unknown_name_is_not_found() {
	ca_lab_as officer1 getkey nobody@nwtraders.com
	[ $? -eq 3 ]
}

officer_fetches_the_blob() {
	ca_lab_as officer1 getkey "$subject@nwtraders.com" "$dir/user.rec" >"$dir/getkey.txt" && cat "$dir/getkey.txt" &&
		grep -qx '  Version: 3' "$dir/getkey.txt" && [ -s "$dir/user.rec" ]
}

blob_is_read_by_openssl() {
	openssl cms -verify -inform DER -in "$dir/user.rec" -CAfile "$CA_STATE/ca.crt" -purpose any -binary -out "$dir/inner" &&
		openssl cms -cmsout -print -inform DER -in "$dir/user.rec" >"$dir/user.rec.txt" &&
		grep -q '1.3.6.1.4.1.311.21.16' "$dir/user.rec.txt" &&
		openssl cms -cmsout -print -inform DER -in "$dir/inner" >"$dir/inner.txt" &&
		[ "$(grep -c 'd\.ktri:\|d\.kari:' "$dir/inner.txt")" -eq 2 ] && grep -q 'aes-256-cbc' "$dir/inner.txt"
}

blob_is_read_by_gnutls() {
	certtool --p7-info --inder --infile "$dir/user.rec" | grep -q 'Signers:\|Signer'
}

# Exactly two of three: the third is told who could.
two_of_three_kras_recover() {
	local i good=0
	for i in 1 2 3; do
		if "$DIRCA_BIN/dirca" recoverkey "$dir/user.rec" "$dir/recovered$i.pfx" --kra "$dir/kra$i.pfx" \
			--kra-password-file "$pass" --out-password-file "$pass" 2>"$dir/recover$i.err"; then
			good=$((good + 1))
			cp "$dir/recovered$i.pfx" "$dir/recovered.pfx"
			winner=$i
		else
			cat "$dir/recover$i.err"
			grep -q CRYPT_E_NO_DECRYPT_CERT "$dir/recover$i.err" && [ ! -e "$dir/recovered$i.pfx" ] || return 1
		fi
	done
	[ "$good" -eq 2 ]
}

# The recipient's own way without dirca: the KRA's key opens the inner message, which holds a PRIVATEKEYBLOB (type 7) or
# a BCRYPT_ECCKEY_BLOB ("ECK2" for P-256).
openssl_opens_the_blob_too() {
	ca_lab_key_of "$dir/kra$winner.pfx" >"$dir/kra.key" &&
		openssl cms -decrypt -inform DER -binary -in "$dir/inner" -recip "$dir/kra$winner.crt" -inkey "$dir/kra.key" -out "$dir/keyblob" &&
		case $(head -c 4 "$dir/keyblob" | od -An -tx1 | tr -d ' ') in
		0702* | 45434b32) ;;
		*) return 1 ;;
		esac
}

recovered_key_is_the_lost_one() {
	ca_lab_key_of "$dir/recovered.pfx" >"$dir/recovered.key" && sha256sum --check "$dir/user.key.sha256" <"$dir/recovered.key"
}

recovered_key_decrypts() {
	openssl cms -decrypt -binary -inform DER -in "$dir/encrypted" -recip "$dir/user.crt" -inkey "$dir/recovered.key" -out "$dir/decrypted" &&
		cmp "$dir/plain" "$dir/decrypted"
}

keytool_reads_the_pfx() {
	keytool -list -keystore "$dir/recovered.pfx" -storetype PKCS12 -storepass:file "$pass" >"$dir/keytool.out" 2>&1 &&
		cat "$dir/keytool.out" && grep -q PrivateKeyEntry "$dir/keytool.out"
}

# One bit of what the CA signed; tests/attack/s05_flip.py changes the others.
tampered_blob_is_refused() {
	python3 - "$dir" <<-'END' || return 1
		import sys
		blob = bytearray(open(sys.argv[1] + "/user.rec", "rb").read())
		inner = open(sys.argv[1] + "/inner", "rb").read()
		at = blob.find(inner)
		assert at > 0
		blob[at + len(inner) - 5] ^= 1
		open(sys.argv[1] + "/tampered.rec", "wb").write(blob)
	END
	refuses CRYPT_E_HASH_VALUE "$DIRCA_BIN/dirca" recoverkey "$dir/tampered.rec" "$dir/tampered.pfx" --kra "$dir/kra$winner.pfx" \
		--kra-password-file "$pass" --out-password-file "$pass" && [ ! -e "$dir/tampered.pfx" ]
}

act_is_in_the_audit_trail() {
	sqlite3 "file:$CA_STATE/dirca.db?mode=ro" 'SELECT * FROM Audit' >"$dir/audit.txt" 2>&1 || { cat "$dir/audit.txt"; return 1; }
	grep -qi officer1 "$dir/audit.txt" || [ "$mech" = external ]
}

not() { ! "$@"; }
# Every sentence about Kerberos says as whom, and what is missing.
kerberos_is_told_by_name() {
	local home keytab
	home=$(ca_lab_home caadmin)
	# shellcheck disable=SC2016 # the quotes are of the sentence
	HOME=$home KRB5CCNAME=FILE:$dir/none refuses 'there is no Kerberos ticket, which `kinit` fetches' "$DIRCA_BIN/dirca" templates || return 1
	kinit -l 2s -c "FILE:$dir/short" caadmin <"$(lab_password_file caadmin)" >/dev/null && ca_lab_eventually not klist -s -c "FILE:$dir/short" &&
		HOME=$home KRB5CCNAME=FILE:$dir/short refuses 'ticket of caadmin@NWTRADERS.COM has ended' "$DIRCA_BIN/dirca" templates || return 1
	[ "$DIRECTORY" = samba ] || return 0
	# A key of somebody who is no client, a file that is none, and one that is not there.
	for keytab in "$LAB_HTTP_KEYTAB HTTP/localhost@NWTRADERS.COM" "$CA_STATE/ca.crt anybody, for it holds no key" "$dir/none No such file"; do
		sed "s|^dir_keytab = .*|dir_keytab = ${keytab%% *}|" "$DIRCAD_CONF" >"$dir/other.conf" &&
			refuses "${keytab#* }" "$DIRCA_BIN/dirca" doctor directory -c "$dir/other.conf" || return 1
	done
}

check "a CA is made, started and published ($mech, CA $ca_key, user $key, KRA $kra_key)" ca_lab_start "$dir" "$mech" "$ca_key" "$name"
[ "$CHECKS_BAD" -eq 0 ] || exit 1
case $key$kra_key in
*p[0-9]*) check "templates are changed to take EC keys" ca_lab_allow_ec EFSArchive KeyRecoveryAgent ;;
esac
[ "$mech" != gssapi ] || check "Kerberos is told by name" kerberos_is_told_by_name
check "openssl and certtool accept the CA's and the service's certificate" ca_certificate_is_sound
check "the directory names the CA" directory_names_the_ca
check "without KRAs nothing is archived and no certificate is given" without_kras_nothing_is_archived
check "the KRA template pends, and a manager may deny" kra_template_pends
check "three KRAs enroll, a manager approves, they are published, two are used per key" ca_lab_kras 3 "$kra_key"
check "the directory holds three KRA certificates" kras_are_in_the_directory
check "openssl accepts the KRA certificates" kra_certificates_are_sound
check "user1 enrolls for EFSArchive by discovery" user_enrolls
check "openssl and certtool accept the certificate" certificate_is_sound
check "openssl and certtool read the CMC response" cmc_response_is_sound
check "openssl and certtool read the CRL" crl_is_sound
check "user1 encrypts a file and loses the key" user_encrypts_and_loses_the_key
check "the officer finds the key by UPN" finds "$subject@nwtraders.com"
check "the officer finds the key by CN" finds "$(ca_lab_cn "$dir/user.crt")"
check "the officer finds the key by DOMAIN\\user" finds "NWTRADERS\\$subject"
check "the officer finds the key by serial number" finds "${serial:-none}"
check "who is no officer finds nothing" others_find_nothing
check "an unknown name is exit status 3" unknown_name_is_not_found
check "the officer fetches the BLOB" officer_fetches_the_blob
check "openssl verifies and prints the BLOB" blob_is_read_by_openssl
check "certtool prints the BLOB" blob_is_read_by_gnutls
check "two of three KRAs recover the key, the third is told why not" two_of_three_kras_recover
check "openssl opens the inner message with the KRA's key" openssl_opens_the_blob_too
check "the recovered key is the lost one" recovered_key_is_the_lost_one
check "it decrypts what user1's certificate encrypted" recovered_key_decrypts
check "keytool reads the PKCS#12" keytool_reads_the_pfx
check "a tampered BLOB is refused" tampered_blob_is_refused
check "the audit trail names the officer" act_is_in_the_audit_trail
check "dircad, slapd and the KDC end when they are told to" ca_lab_stop
checks_end
