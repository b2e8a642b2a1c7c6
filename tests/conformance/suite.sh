#!/usr/bin/env bash
# One suite for every directory: DIRECTORY=openldap, samba or 389ds. Each case prints "case NAME verdict"; the list of all of them must be
# expected.txt, whatever the directory. What differs in setting things up is in tests/support/{lab.sh,lab_ldif.py}, not here.
# Status 77: this directory cannot run here.
# shellcheck disable=SC2317 # the functions are called through case_
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
CA_LAB_DN[alice]="cn=Alice Able,$CA_LAB_USERS"
[ "$DIRECTORY" != samba ] || ! samba_lab_missing || exit 77
[ "$DIRECTORY" != 389ds ] || ! ds389_lab_missing || exit 77

dir=$(mktemp -d /tmp/dirca-conf.XXXXXX)
checks_begin "$dir"
verdicts=$dir/verdicts
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
CA_LAB_DIR=$dir
trap finish EXIT

# case_ NAME COMMAND...: the verdict is what the command prints. One that prints nothing is a defect of the suite.
case_() {
	local name=$1 verdict
	shift
	verdict=$("$@" 2>>"$dir/stderr" | sed 's/ *$//')
	echo "case $name ${verdict:-NOTHING}" | tee -a "$verdicts"
}

# The symbol of the last error that dirca told on stderr.
symbol() {
	grep -o '(0x[0-9A-F]* [A-Z_a-z0-9]*)' | tail -1 | sed 's/.* \(.*\))/\1/'
}

# ---- Enrollment without a client program: EST ----

# est USER TEMPLATE [SUBJECT]: "issued", "pending", the symbol of the refusal, or the status where there is none. The
# certificate is in $dir/est.crt. Everybody has a key of his own, and no two requests are the same: a repeated one would be
# answered with what became of it. The number is a file, since some callers are subshells.
est() {
	local status key=$dir/key-$1.pem number=0
	rm -f "$dir/est.crt"
	[ -f "$key" ] || openssl genrsa -out "$key" 2048 2>/dev/null || return 1
	[ ! -f "$dir/est.number" ] || number=$(<"$dir/est.number")
	echo $((number + 1)) >"$dir/est.number"
	openssl req -new -key "$key" -subj "${3:-/CN=$number}" -outform DER -out "$dir/request.der" || return 1
	status=$(curl -sS -o "$dir/est.p7" -D "$dir/est.headers" -w '%{http_code}' --cacert "$CA_STATE/ca.crt" \
		-u "$1:${EST_PASSWORD:-$(<"$(lab_password_file "${1%$}")")}" -H 'Content-Type: application/pkcs10' \
		--data-binary "@$dir/request.der" "$CA_URL/.well-known/est/$2/simpleenroll")
	case $status in
	200)
		base64 -d "$dir/est.p7" | openssl pkcs7 -inform DER -print_certs -out "$dir/est.crt" && echo issued
		;;
	202) echo pending ;;
	*) grep -io '^Dirca-Error: 0x[0-9A-F]* [A-Z_a-z0-9]*' "$dir/est.headers" | sed 's/.* //' | grep . || echo "status $status" ;;
	esac
}

# The subject in one line, and the names of SAN behind it.
names_in() {
	openssl x509 -in "$1" -noout -subject -nameopt RFC2253,-dn_rev | sed 's/^subject=\(.*\)/[\1]/' | tr '\n' ' '
	openssl x509 -in "$1" -noout -ext subjectAltName 2>/dev/null | sed -n 's/^ *\(.*[^ ]\) *$/\1/p' | tail -n +2
}

# with_password PASSWORD COMMAND...
with_password() {
	EST_PASSWORD=$1 "${@:2}"
}

names() {
	local verdict
	verdict=$(est "$@")
	[ "$verdict" = issued ] && verdict=$(names_in "$dir/est.crt")
	echo "$verdict"
}

# Whether the GUID in the SAN is that of the account in the directory, which gives each its own.
guid_matches() {
	local guid
	[ "$(est "$1" AltGuid)" = issued ] || { echo refused; return; }
	guid=$(lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$LDAP_BASE" "(sAMAccountName=$1)" objectGUID |
		sed -n 's/^objectGUID:: //p' | base64 -d | xxd -p)
	if openssl x509 -in "$dir/est.crt" -outform DER | xxd -p -c 0 | grep -q "2b0601040182371901a0120410$guid"; then
		echo "of the account"
	else
		echo "of somebody else"
	fi
}

# sid_in_certificate USER TEMPLATE RID: the extension holds the SID as an OCTET STRING.
sid_in_certificate() {
	local sid=S-1-5-21-3330634377-1326264276-632209373-$3 der
	[ "$(est "$1" "$2")" = issued ] || { echo refused; return; }
	der=$(openssl x509 -in "$dir/est.crt" -outform DER | xxd -p -c 0)
	case $der in
	*$(printf '04%02x' ${#sid})$(printf %s "$sid" | xxd -p -c 0)*) echo "of the account" ;;
	*$(printf S-1-5-21 | xxd -p)*) echo "of another" ;;
	*) echo none ;;
	esac
}

# ---- The client program ----

# told USER VERB...: "done", or the symbol of the refusal.
told() {
	if ca_lab_as "$@" >"$dir/told.out" 2>"$dir/told.err"; then
		echo "done"
	else
		symbol <"$dir/told.err"
	fi
}

# archive USER TEMPLATE OUT
archive() {
	if ca_lab_enroll "$1" "$2" "$3" >"$dir/archive.json" 2>"$dir/archive.err"; then
		jq -r '.disposition + (if .archived then " archived" else "" end)' "$dir/archive.json"
	else
		symbol <"$dir/archive.err"
	fi
}

# finds OFFICER TOKEN: how many keys and whose, the exit status and why it is not 0.
finds() {
	local status=0
	rm -f "$dir/found.rec"
	ca_lab_as "$1" getkey "$2" "$dir/found.rec" --json >"$dir/found.json" 2>"$dir/found.err" || status=$?
	jq -r '(.candidates | length | tostring) + " found" + ([.candidates[] | .upn // "?"] | unique | map(" " + .) | add // "")' \
		"$dir/found.json"
	echo "status $status"
	[ "$status" -eq 0 ] || symbol <"$dir/found.err"
}

one_line() {
	"$@" | paste -sd ' '
}

# blob OFFICER SERIAL
blob() {
	rm -f "$dir/x.rec"
	if ca_lab_as "$1" getkey "$2" "$dir/x.rec" >/dev/null 2>"$dir/blob.err" && [ -s "$dir/x.rec" ]; then
		echo fetched
	else
		symbol <"$dir/blob.err"
	fi
}

# ---- Changes in the directory ----

# modification DN OPERATION ATTRIBUTE[: VALUE]
modification() {
	local value=$3
	[[ $value == *:* ]] || value=-
	printf 'dn: %s\nchangetype: modify\n%s: %s\n%s\n' "$1" "$2" "${3%%:*}" "$value" | lab_modify >/dev/null
}

template_dn() {
	echo "CN=$1,CN=Certificate Templates,$services"
}

# in_force SECONDS WANTED COMMAND...: whether the verdict became WANTED in that time.
in_force() {
	local limit=$1 wanted=$2 got
	shift 2
	becomes() { got=$("$@"); [ "$got" = "$wanted" ]; }
	if soon $((limit * 1000)) becomes "$@" >/dev/null; then
		echo "$wanted within $limit s"
	else
		echo "still $got after $limit s"
	fi
}

# published USER: whether the directory holds the certificate that was just issued.
is_published() {
	openssl x509 -in "$dir/est.crt" -outform DER | base64 -w 0 >"$dir/der.b64"
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$LDAP_BASE" "(sAMAccountName=$1)" userCertificate | grep -qFf "$dir/der.b64"
}

publication() {
	[ "$(est "$1" Published)" = issued ] || { echo refused; return; }
	if ca_lab_eventually is_published "$1"; then echo "published"; else echo "not published"; fi
}

# Her password stays what it was.
rename_erin() {
	printf 'dn: cn=erin,%s\nchangetype: modrdn\nnewrdn: CN=erika\ndeleteoldrdn: 1\n\n' "$CA_LAB_USERS"
	printf 'dn: cn=erika,%s\nchangetype: modify\nreplace: sAMAccountName\nsAMAccountName: erika\n-\n' "$CA_LAB_USERS"
	printf 'replace: userPrincipalName\nuserPrincipalName: erika@nwtraders.com\n\n'
}

move_frank() {
	printf 'dn: cn=frank,%s\nchangetype: modrdn\nnewrdn: CN=frank\ndeleteoldrdn: 1\nnewsuperior: OU=North,%s\n\n' \
		"$CA_LAB_USERS" "$LDAP_BASE"
}

load() {
	"$here/fixtures.py" "$DIRECTORY" "$@" | lab_modify >"$dir/load.out" 2>&1 || { tail -5 "$dir/load.out" >&2; return 1; }
}

# What `dirca directory service-account` grants to dircad's account is all that it has from here on. On 389 it never had more; on Samba
# it has what tests/support/samba_load.py gives it.
only_its_rights() {
	local dn="cn=dircad,$CA_LAB_USERS" db rules
	[ "$DIRECTORY" = openldap ] || return 0
	"$DIRCA_BIN/dirca" directory service-account "$dn" --apply -H "$LDAPI_URI" || return 1
	lab_admin ldapsearch -LLL -b cn=config '(&(objectClass=olcMdbConfig)(olcSuffix=*))' dn | sed -n 's/^dn: //p' >"$dir/databases" || return 1
	while read -r db; do
		rules=$(lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$db" -s base olcAccess | grep -c "by dn.base=\"$dn\"")
		printf 'dn: %s\nchangetype: modify\nadd: olcAccess\nolcAccess: {%d}to * by dn.base="%s" none by * break\n' "$db" "$rules" "$dn" |
			lab_admin ldapmodify || return 1
	done <"$dir/databases"
	[ "$(wc -l <"$dir/databases")" -eq 2 ]
}

prepare() {
	ca_lab_start "$dir" basic && only_its_rights >"$dir/rights.out" && load tree && ca_lab_kras 2 && load authority "$CA_NAME" &&
		ca_lab_eventually ca_lab_status '.templates | index("Changing")' >/dev/null
}

check "the CA and its people are made" prepare
[ "$CHECKS_BAD" -eq 0 ] || exit 1
# shellcheck disable=SC2034 # used by the cases
services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
# shellcheck disable=SC2034
service="CN=$CA_NAME,CN=Enrollment Services,$services"
for part in enrollment recovery explained change; do
	# shellcheck source-path=SCRIPTDIR source=cases_enrollment.sh
	. "$here/cases_$part.sh"
done
check "$(wc -l <"$verdicts") verdicts are as expected" diff -u "$here/expected.txt" "$verdicts"
checks_end
