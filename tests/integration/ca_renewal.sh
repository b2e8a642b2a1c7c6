#!/usr/bin/env bash
# The CA certificate is renewed with its key and with a new one; what was issued, archived and revoked before goes on. A subordinate CA
# gets its new certificate from its parent. usage: ca_renewal.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-carenewal.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

renew() { "$DIRCA_BIN/dirca" ca renew -c "$DIRCAD_CONF" "$@"; }
install() { "$DIRCA_BIN/dirca" ca install -c "$DIRCAD_CONF" "$@"; }
# certificate of ca.crt by its place, the newest first.
nth_ca() { awk -v n="$1" '/BEGIN/ { i++ } i == n' "${2:-$CA_STATE/ca.crt}"; }
crl() { curl -sf "$CA_HTTP_URL/dirca/$CA_NAME$1.crl" | openssl crl -inform DER; }
crls() { crl '' >"$dir/crls.pem" && { [ -z "${1:-}" ] || crl "$1" >>"$dir/crls.pem"; }; }
names() { openssl x509 -in "$1" -noout -text | grep -F "$2"; }
# has_version FILE HEX: szOID_CERTSRV_CA_VERSION, as DER.
has_version() { openssl asn1parse -in "$1" | grep -A1 '1.3.6.1.4.1.311.21.1$\|:certsrvCaVersion\|Microsoft CA Version' | grep "HEX DUMP\]:$2$"; }
# ends_at ANCHOR LEAF [UNTRUSTED]: openssl's verdict with every CRL.
ends_at() {
	openssl verify -no-CApath -no-CAstore -CAfile "$1" ${3:+-untrusted "$3"} -CRLfile "$dir/crls.pem" -crl_check_all "$2"
}
gnutls_ends_at() {
	cat "$2" ${3:+"$3"} >"$dir/chain.pem"
	certtool --verify --load-ca-certificate "$1" --load-crl "$dir/crls.pem" --infile "$dir/chain.pem" >"$dir/certtool.out" 2>&1
	cat "$dir/certtool.out"
	grep -q 'Chain verification output: Verified' "$dir/certtool.out"
}
java_ends_at() {
	cat "$3" "$1" "$2" >"$dir/store.pem"
	java "$here/../interop/PkixPath.java" "$1" "$2" "$dir/store.pem" "$dir/crls.pem"
}
enrolled() { # USER OUT
	ca_lab_enroll "$1" EFSArchive "$2.pfx" >"$2.json" && ca_lab_certificate_of "$2.pfx" >"$2.crt"
}
certificates() { ca_lab_status "[.certificates[] | [.certificate_index, .key_index, .signs]] == $1"; }
in_directory() { # CN ATTRIBUTE COUNT
	[ "$(lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$1,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" -s base "$2" |
		grep -c "^$2\(;binary\)\{0,1\}::")" -eq "$3" ]
}
exchange_is_of() { # CA certificate
	ca_lab_as user1 enroll EFSArchive --json --out "$dir/x.pfx" --out-password-file "$(ca_lab_pass)" >/dev/null &&
		curl -sf --cacert "$CA_STATE/ca.crt" -u "user1:$(<"$(lab_password_file user1)")" "$CA_URL/dirca/v1/exchange-certificate" >"$dir/xchg.der" &&
		openssl verify -partial_chain -no-CApath -no-CAstore -trusted "$1" <(openssl x509 -inform DER -in "$dir/xchg.der")
}
recovers() { # KEY: a PKCS#12 and its certificate
	ca_lab_as officer1 getkey "$(ca_lab_serial_of "$1.crt")" "$1.rec" && ca_lab_opens "$1.rec" "$dir/kra1.pfx" "$1.pfx"
}
lists() { crl "$1" | openssl crl -noout -text | grep "Serial Number: $(ca_lab_serial_of "$2")"; }
lists_not() { crl "$1" >/dev/null && ! lists "$1" "$2"; }
revoke() { ca_lab_as officer1 revoke "$(ca_lab_serial_of "$1")" --reason keyCompromise && ca_lab_as caadmin crl; }
restart() { ca_lab_dircad_stop && "$@" && ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready >/dev/null; }

METRICS_URL=http://127.0.0.1:$(lab_free_port)
CA_LAB_OPTIONS="metrics_listen = ${METRICS_URL#http://}
"
check "a CA" ca_lab_start "$dir" scram rsa2048
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "a key is archived" enrolled user1 "$dir/old"
check "and one that will be revoked" enrolled user2 "$dir/stolen"
cp "$CA_STATE/ca.crt" "$dir/ca0.crt"
check "a CA that runs is not renewed" refuses "dircad must not run" renew

# ---- the same key ----
check "renewed with its key" restart renew
nth_ca 1 >"$dir/ca1.crt"
check "the CA has two certificates" certificates '[[1,0,"certificates"],[0,0,"nothing"]]'
check "the new one is CA version 1.0" has_version "$dir/ca1.crt" 020101
check "and names the one before" grep -q "$(ca_lab_sha1 "$dir/ca0.crt" | tr a-f A-F)" <(openssl asn1parse -in "$dir/ca1.crt")
check "the directory has both" ca_lab_eventually in_directory "CN=$CA_NAME,CN=AIA" cACertificate 2
check "a certificate" enrolled user1 "$dir/second"
check "names the second CA certificate" names "$dir/second.crt" "$CA_NAME(1).crt"
check "and the CRL of the one key" names "$dir/second.crt" "$CA_NAME.crl"
check "which is there" crls
check "it is good under either" ends_at "$dir/ca1.crt" "$dir/second.crt"
check "as is one of before" ends_at "$dir/ca1.crt" "$dir/old.crt"

# ---- a new key ----
check "renewed with a new key" restart renew --new-key --key p256
nth_ca 1 >"$dir/ca2.crt"
check "the CA has three certificates" certificates '[[2,1,"certificates"],[1,0,"CRL"],[0,0,"nothing"]]'
check "the new one is CA version 2.1" has_version "$dir/ca2.crt" 0203010002
for place in "CN=$CA_NAME,CN=AIA" CN=NTAuthCertificates "CN=$CA_NAME,CN=Certification Authorities" "CN=$CA_NAME,CN=Enrollment Services"; do
	check "in $place" ca_lab_eventually in_directory "$place" cACertificate 3
done
check "and the two keys' word for each other" in_directory "CN=$CA_NAME,CN=AIA" crossCertificatePair 1
check "a key is archived" enrolled user1 "$dir/third"
check "its certificate names the third CA certificate" names "$dir/third.crt" "$CA_NAME(2).crt"
check "and the CRL of the second key" names "$dir/third.crt" "$CA_NAME(1).crl"
check "in the directory too" names "$dir/third.crt" "CN=$CA_NAME(1),CN=localhost,CN=CDP"
check "both CRLs are there" crls '(1)'
check "and in the directory" ca_lab_eventually in_directory "CN=$CA_NAME(1),CN=localhost,CN=CDP" certificateRevocationList 1
watched() { # until when they are valid, of both keys and in both places
	local key place series=()
	for key in 0 1; do
		for place in ca directory; do series+=("dirca_crl_left_seconds{kind=\"base\",key=\"$key\",partition=\"0\",place=\"$place\"}"); done
	done
	curl -sf --max-time 15 "$METRICS_URL/metrics" | "$here/../support/exposition.py" "${series[@]}" | tee "$dir/left" && [ "$(grep -cx '[1-9][0-9]*' "$dir/left")" = 4 ]
}
check "and who watches the CA is told of both" ca_lab_eventually watched
curl -sf "$CA_HTTP_URL/dirca/$CA_NAME(1-2).crt" | openssl x509 -inform DER >"$dir/new-with-old.crt"
curl -sf "$CA_HTTP_URL/dirca/$CA_NAME(2-1).crt" | openssl x509 -inform DER >"$dir/old-with-new.crt"
for reads in ends_at gnutls_ends_at; do
	check "$reads: good under the new certificate" $reads "$dir/ca2.crt" "$dir/third.crt"
	check "$reads: one of before under the old" $reads "$dir/ca1.crt" "$dir/old.crt"
	check "$reads: through the cross certificate under the old" $reads "$dir/ca1.crt" "$dir/third.crt" "$dir/new-with-old.crt"
	check "$reads: one of before through the other under the new" $reads "$dir/ca2.crt" "$dir/old.crt" "$dir/old-with-new.crt"
done
refused_without_cross() { ! ends_at "$dir/ca1.crt" "$dir/third.crt"; }
check "not under the old without it" refused_without_cross
if command -v java >/dev/null; then
	# It wants a path for the signer of every CRL of that name that it is given.
	check "Java: good under the new" java_ends_at "$dir/ca2.crt" "$dir/third.crt" "$dir/old-with-new.crt"
	check "Java: through the cross certificate" java_ends_at "$dir/ca1.crt" "$dir/third.crt" "$dir/new-with-old.crt"
fi
check "the exchange certificate is of the new key" exchange_is_of "$dir/ca2.crt"
check "EST hands out three certificates and two cross certificates" \
	test "$(curl -sf --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts" | base64 -d | openssl pkcs7 -inform DER -print_certs | grep -c BEGIN)" -eq 5
check "a key of before is recovered by who knows the old certificate only" recovers "$dir/old"
check "and one of now" recovers "$dir/third"
check "one of before is revoked" revoke "$dir/stolen.crt"
check "in the CRL of its key" lists '' "$dir/stolen.crt"
check "and in no other" lists_not '(1)' "$dir/stolen.crt"
check "one of now is revoked" revoke "$dir/third.crt"
check "in the CRL of its key" lists '(1)' "$dir/third.crt"
check "and in no other" lists_not '' "$dir/third.crt"
# ocsp CA-CERTIFICATE LEAF WORD: the answer is signed under that CA certificate.
ocsp() {
	openssl ocsp -issuer "$1" -cert "$2" -url "$CA_HTTP_URL/ocsp" -no-CApath -no-CAstore -CAfile "$1" 2>&1 | tee /dev/stderr | grep -q ": $3\$" &&
		openssl ocsp -issuer "$1" -cert "$2" -url "$CA_HTTP_URL/ocsp" -no-CApath -no-CAstore -CAfile "$1" 2>&1 | grep -q 'Response verify OK'
}
check "OCSP: one of before is good, under the old key" ocsp "$dir/ca1.crt" "$dir/old.crt" good
check "and another revoked" ocsp "$dir/ca1.crt" "$dir/stolen.crt" revoked
check "OCSP: one of now is revoked, under the new key" ocsp "$dir/ca2.crt" "$dir/third.crt" revoked
check "a certificate of the old key is renewed" ca_lab_enroll user1 EFSArchive "$dir/renewed.pfx" --renew "$dir/second.pfx" \
	--renew-password-file "$(ca_lab_pass)"
check "journal and database agree" "$DIRCA_BIN/dirca" audit compare -c "$DIRCAD_CONF"
check "a CA can leave the directory whole" ca_lab_as caadmin ca unpublish -c "$DIRCAD_CONF" --all
check "with its second CRL" in_directory "CN=localhost,CN=CDP" certificateRevocationList 0
checks_end
