#!/usr/bin/env bash
# What templates demand, as people meet it: the client follows the template's algorithms, the CA refuses what it cannot do, each
# sentence names template and attribute. (Every rule by itself: tests/unit/templates.) usage: template_rules.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-template-rules.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

n=0
# enroll TEMPLATE: a certificate for user1 into $pfx.
enroll() {
	n=$((n + 1)) pfx=$dir/$n.pfx
	ca_lab_enroll user1 "$1" "$pfx"
}

# change TEMPLATE ATTRIBUTE [VALUE...]: replaces the values; `dircad` sees it within refresh_s.
change() {
	local cn=$1 attribute=$2 value
	shift 2
	{
		printf 'dn: CN=%s,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s\n' "$cn" "$LDAP_CONFIG_BASE"
		printf 'changetype: modify\nreplace: %s\n' "$attribute"
		for value; do printf '%s: %s\n' "$attribute" "$value"; done
	} | lab_modify >/dev/null
}

# says CODE WORDS TEMPLATE: soon the enrollment is refused with this code and these words.
refused_with() {
	local text
	text=$(enroll "$3" 2>&1) && { echo "issued: $text"; return 1; }
	echo "$text"
	[[ $text == *"$1"* && $text == *"$2"* ]]
}
says() { ca_lab_eventually refused_with "$@"; }

archived() { [ "$(sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM RequestBlob WHERE RawArchivedKey IS NOT NULL')" -eq "$1" ]; }
key_is() { ca_lab_certificate_of "$pfx" | openssl x509 -noout -text | grep -q "$1"; }
enroll_aloud() { enroll "$1" >"$dir/said" 2>&1 || { cat "$dir/said"; return 1; }; }
noted() { enroll_aloud "$1" && grep "template $1 is superseded by $2" "$dir/said"; }
not_noted() { enroll_aloud "$1" && ! grep superseded "$dir/said"; }

# triplets NAME TYPE VALUE ...
triplets() { printf '%s`' "$@"; }

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
ra=msPKI-RA-Application-Policies

check "version 2 archives under the default cipher" enroll UserArchive
check "and the key is RSA" key_is 'Public-Key: (2048 bit)'
change UserArchive msPKI-Template-Schema-Version 4
change UserArchive $ra "$(triplets msPKI-Asymmetric-Algorithm PZPWSTR RSA msPKI-Symmetric-Algorithm PZPWSTR 3DES msPKI-Symmetric-Key-Length DWORD 168)"
check "version 4 under 3DES" enroll UserArchive
change UserArchive $ra "$(triplets msPKI-Symmetric-Algorithm PZPWSTR AES msPKI-Symmetric-Key-Length DWORD 128)"
check "version 4 under AES-128" enroll UserArchive
check "three keys are archived" archived 3
change UserArchive $ra "$(triplets msPKI-Symmetric-Algorithm PZPWSTR RC2 msPKI-Symmetric-Key-Length DWORD 40)"
check "no key is sent under RC2" refused_with NTE_BAD_ALGID msPKI-Symmetric-Algorithm UserArchive
change UserArchive msPKI-Minimal-Key-Size 256
change UserArchive $ra "$(triplets msPKI-Asymmetric-Algorithm PZPWSTR ECDH_P384 msPKI-Symmetric-Algorithm PZPWSTR AES)"
check "a template for P-384" ca_lab_eventually enroll UserArchive
check "and the client makes such a key" key_is 'ASN1 OID: secp384r1'
change UserArchive $ra "$(triplets msPKI-Asymmetric-Algorithm PZPWSTR ECDSA_P384)"
check "a key that only signs is not archived" says DIRCA_E_SIGNATURE_KEY UserArchive UserArchive
change UserArchive $ra "$(triplets msPKI-Asymmetric-Algorithm PZPWSTR DSA)"
check "DSA is not certified" refused_with CERTSRV_E_UNSUPPORTED_CERT_TYPE msPKI-Asymmetric-Algorithm UserArchive

check "control: EFS is issued" enroll EFS
change EFS msPKI-Private-Key-Flag 8208
check "attestation is refused by name" says CERTSRV_E_UNSUPPORTED_CERT_TYPE CT_FLAG_ATTEST_REQUIRED EFS
change EFS msPKI-Private-Key-Flag $((16 + 0x70000))
check "a newer server is refused" says CERTSRV_E_UNSUPPORTED_CERT_TYPE "version 7" EFS
change EFS msPKI-Private-Key-Flag 16
change EFS msPKI-Enrollment-Flag $((41 + 0x10000000))
check "an unknown flag is refused" says CERTSRV_E_UNSUPPORTED_CERT_TYPE "msPKI-Enrollment-Flag has bit 0x10000000" EFS
change EFS msPKI-Enrollment-Flag 41
change EFS msPKI-RA-Signature 1
check "signatures without policies" says CERTSRV_E_TEMPLATE_POLICY_REQUIRED msPKI-RA-Application-Policies EFS
change EFS $ra 1.3.6.1.4.1.311.20.2.1
check "a signature that is missing" says CERTSRV_E_SIGNATURE_POLICY_REQUIRED "have it signed" EFS
change EFS msPKI-RA-Signature 0
change EFS $ra
check "control: EFS is issued again" ca_lab_eventually enroll EFS

check "nothing supersedes User" not_noted User
change EFS msPKI-Supersede-Templates User
check "the client tells of a superseding template, and enrolls" noted User EFS
checks_end
