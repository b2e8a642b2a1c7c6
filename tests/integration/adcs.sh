#!/usr/bin/env bash
# A CA of AD CS moves here: what `certutil -backupKey` wrote is taken over, and the directory object with it.
# usage: adcs.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-adcs.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

old=$dir/old
services="CN=Enrollment Services,CN=Public Key Services,CN=Services"

# What stood on the Windows machine: a root CA, renewed once with a new key, CA version 1.1, and its last CRL.
make_old_ca() {
	mkdir "$old" && (
		cd "$old" || exit 1
		cat >ca.cnf <<-END
			[req]
			distinguished_name = dn
			[dn]
			[x]
			basicConstraints = critical,CA:TRUE
			keyUsage = critical,digitalSignature,keyCertSign,cRLSign
			subjectKeyIdentifier = hash
			1.3.6.1.4.1.311.21.1 = DER:0203010001
			[ca]
			default_ca = c
			[c]
			database = index
			crlnumber = number
			default_md = sha256
			default_crl_days = 7
			crl_extensions = e
			[e]
			authorityKeyIdentifier = keyid
		END
		openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 900 -config ca.cnf -extensions x \
			-subj "/DC=com/DC=nwtraders/CN=$CA_NAME" &&
			: >index && echo 39 >number &&
			openssl ca -config ca.cnf -gencrl -keyfile ca.key -cert ca.crt | openssl crl -outform DER -out ca.crl &&
			openssl pkcs12 -export -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -inkey ca.key -in ca.crt \
				-name "$CA_NAME" -passout "file:$(ca_lab_pass)" -out ca.p12
	)
}
publish_old_ca() { # as AD CS does
	{
		printf 'dn: CN=%s,%s,%s\n' "$CA_NAME" "$services" "$LDAP_CONFIG_BASE"
		printf 'objectClass: pKIEnrollmentService\ncn: %s\ndisplayName: %s\n' "$CA_NAME" "$CA_NAME"
		printf 'dNSHostName: old-ca.nwtraders.com\nflags: 10\ncertificateTemplates: EFSArchive\ncertificateTemplates: KeyRecoveryAgent\n'
		printf 'cACertificateDN: CN=%s,DC=nwtraders,DC=com\n' "$CA_NAME"
		printf 'cACertificate;binary:: %s\n' "$(openssl x509 -in "$old/ca.crt" -outform DER | base64 -w0)"
	} | lab_admin ldapadd
}
service() { lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=$CA_NAME,$services,$LDAP_CONFIG_BASE" -s base "$1" | sed -n "s/^$1: //p" | sort; }
init() { "$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF" --import-pfx "$old/ca.p12" "$@"; }
crl() { curl -sf "$CA_HTTP_URL/dirca/${CA_NAME// /%20}(1)$1" >"$dir/new.crl" && openssl crl -inform DER -in "$dir/new.crl" -noout "${@:2}"; }

check "a directory" ca_lab_prepare "$dir" scram "Old CA 1"
[ "$CHECKS_BAD" -eq 0 ] && check "the old CA" make_old_ca
[ "$CHECKS_BAD" -eq 0 ] && check "stands in the directory" publish_old_ca
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- it is taken over ----
pass=(--pfx-password-file "$(ca_lab_pass)")
printf 'wrong\n' >"$dir/wrong"
check "not without a CRL number" refuses DIRCA_E_USAGE init "${pass[@]}"
check "nor with a kind of key" refuses DIRCA_E_USAGE init "${pass[@]}" --crl "$old/ca.crl" --key p256
check "nor with another password" refuses "password is wrong" init --pfx-password-file "$dir/wrong" --crl "$old/ca.crl"
check "nothing is there yet" test ! -e "$CA_STATE"
check "taken over" init "${pass[@]}" --crl "$old/ca.crl" --crl-number 3
check "the certificate is the same" cmp "$CA_STATE/ca.crt" "$old/ca.crt"
check "not twice" refuses ERROR_FILE_EXISTS init "${pass[@]}" --crl "$old/ca.crl"
check "it starts" ca_lab_dircad_start
is_signed() { crl .crl -CAfile "$old/ca.crt" 2>&1 | grep -q 'verify OK'; }
check "it signs a CRL with the old CA's key" is_signed
check "whose number is the next" grep -q 'crlNumber=0x3A' <(crl .crl -crlnumber)
check "it is not published without an administrator" refuses CERTSRV_E_NO_CAADMIN_DEFINED \
	ca_lab_as caadmin ca publish -c "$DIRCAD_CONF"
check "the directory object is taken over" ca_lab_publish
check "which issues the templates that it issued" test "$(service certificateTemplates)" = $'EFSArchive\nKeyRecoveryAgent'
check "and names the new host" test "$(service dNSHostName)" = localhost
check "its flags stay" test "$(service flags)" = 10
check "it is ready" ca_lab_eventually ca_lab_is_ready
check "and of CA version 1.1" ca_lab_status '[.certificates[] | [.certificate_index, .key_index]] == [[1,1]]'
check "KRAs of its own" ca_lab_kras 2
check "a key is archived" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "under the old CA's key" openssl verify -CAfile "$old/ca.crt" <(ca_lab_certificate_of "$dir/user1.pfx")
check "whose second publication keeps the administrators" ca_lab_as caadmin ca publish -c "$DIRCAD_CONF"
check "who may ask still" ca_lab_status .directory_fresh
checks_end
