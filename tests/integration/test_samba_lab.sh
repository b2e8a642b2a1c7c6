#!/usr/bin/env bash
# tests/support/samba_lab.sh: the same people and templates as in slapd, who may write what in CN=Public Key Services, what Samba
# refuses and what dirca says of it; stop, kill and start again. Status 77 where no domain controller can run.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
! samba_lab_missing || exit 77
lab=$(mktemp -d /tmp/dirca-lab.XXXXXX)
checks_begin "$lab"
trap 'samba_lab_kill "$lab"; checks_clean "$lab"' EXIT
INSUFFICIENT_ACCESS=50

# as USER TOOL ARGUMENT...
as() {
	"$2" -x -H "$LDAPS_URI" -D "cn=$1,$CA_LAB_USERS" -y "$(lab_password_file "$1")" "${@:3}"
}


may_add_below() {
	printf 'dn: CN=by %s,CN=%s,%s\nchangetype: add\nobjectClass: container\n' "$1" "$2" "$services" | as "$1" ldapmodify
}

may_change_template() {
	printf 'dn: CN=User,CN=Certificate Templates,%s\nchangetype: modify\nreplace: flags\nflags: 131642\n' "$services" |
		as "$1" ldapmodify
}

may_write_certificate_of() {
	printf 'dn: %s\nchangetype: modify\nadd: userCertificate\nuserCertificate:: AQID\n' "$2" | as "$1" ldapmodify
}

may_set_password() {
	printf 'dn: cn=user1,%s\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: IgB4ACIA\n' "$CA_LAB_USERS" | as "$1" ldapmodify
}

reads_groups() {
	as "$1" ldapsearch -LLL -s base -b "cn=user3,$CA_LAB_USERS" tokenGroups | grep -c '^tokenGroups::' | grep -qx 4
}

dirca() {
	"$DIRCA_BIN/dirca" "$@"
}

gssapi_inside_tls_is_explained() {
	kinit user2 <"$(lab_password_file user2)" >/dev/null &&
		refuses allow_sasl_over_tls dirca cas -Y GSSAPI -H "$LDAPS_URI" --tls-ca "$LDAP_CA_FILE" && dirca cas -Y GSSAPI -H "$LDAP_URI"
}

starts_again() {
	local uri=$LDAPS_URI
	samba_lab_kill "$lab" && ! ldapsearch -x -H "$uri" -s base -b '' && samba_lab_start "$lab" && [ "$LDAPS_URI" = "$uri" ] &&
		lab_finds 2 as user1 ldapsearch -b "$services" '(cn=by dircad)' dn
}

stopped_answers_no_more() {
	samba_lab_stop "$lab" && ! ldapsearch -x -H "$LDAPS_URI" -s base -b '' && [ ! -e "$lab/samba.pid" ]
}

begun=$SECONDS
check "Samba starts" samba_lab_start "$lab"
[ "$CHECKS_BAD" -eq 0 ] || exit 1
echo "     in $((SECONDS - begun)) s"
services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
check "35 templates" lab_finds 35 as user1 ldapsearch -b "$services" '(objectClass=pKICertificateTemplate)' dn
check "a user with the SID of the demo tree" lab_finds 1 as user1 ldapsearch -b "$CA_LAB_USERS" \
	'(&(sAMAccountName=user1)(objectSid=S-1-5-21-3330634377-1326264276-632209373-1101))' dn
check "an ordinary user may not add to CDP" fails_with "$INSUFFICIENT_ACCESS" may_add_below user1 CDP
check "an ordinary user may not change a template" fails_with "$INSUFFICIENT_ACCESS" may_change_template user1
for container in CDP KRA; do
	check "dircad may add to $container" may_add_below dircad "$container"
done
for container in AIA 'Certification Authorities' 'Enrollment Services' 'Certificate Templates'; do
	check "dircad may not add to $container" fails_with "$INSUFFICIENT_ACCESS" may_add_below dircad "$container"
done
check "dircad may not change a template" fails_with "$INSUFFICIENT_ACCESS" may_change_template dircad
check "dircad may write a user's certificate" may_write_certificate_of dircad "cn=user1,$CA_LAB_USERS"
check "dircad may write a computer's certificate" may_write_certificate_of dircad "cn=ws1,CN=Computers,$LDAP_BASE"
check "an ordinary user may not" fails_with "$INSUFFICIENT_ACCESS" may_write_certificate_of user1 "cn=user2,$CA_LAB_USERS"
check "dircad may not set passwords" fails_with "$INSUFFICIENT_ACCESS" may_set_password dircad
check "dircad reads everybody's groups" reads_groups dircad
for container in AIA 'Certification Authorities' 'Enrollment Services' 'Certificate Templates'; do
	check "a CA administrator may add to $container" may_add_below caadmin "$container"
done
check "GSSAPI inside of TLS is refused with a cure" gssapi_inside_tls_is_explained
check "a password without TLS is not sent" refuses "cross the network in clear" dirca cas -H "$LDAP_URI" -D "cn=user1,$CA_LAB_USERS" \
	-y "$(lab_password_file user1)"
check "a killed server starts again with its data" starts_again
check "a stopped one answers no more" stopped_answers_no_more
checks_end
