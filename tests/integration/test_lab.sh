#!/usr/bin/env bash
# tests/support/lab.sh and ldif/: every way to bind, who may read and write what, stop, kill and start again.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/lab.sh
. "$here/../support/lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
lab=$(mktemp -d /tmp/dirca-lab.XXXXXX)
checks_begin "$lab"
trap 'lab_slapd_kill "$lab"; lab_kdc_stop "$lab"; checks_clean "$lab"' EXIT

# The command must fail with exactly this LDAP result: a misspelt DN or a dead server is not a refusal.
NO_SUCH_OBJECT=32 INVALID_CREDENTIALS=49 INSUFFICIENT_ACCESS=50

users=cn=Users,$LAB_BASE_DN
services="CN=Public Key Services,CN=Services,CN=Configuration,$LAB_BASE_DN"

# as USER COMMAND...: an ldap tool with a simple bind over TLS.
as() {
	local user=$1 tool=$2
	shift 2
	"$tool" -x -H "$LDAPS_URI" -D "cn=$user,$users" -y "$(lab_password_file "$user")" "$@"
}

is_bound_as() {
	local want=$1
	shift
	[ "$("$@" | tr '[:upper:]' '[:lower:]')" = "dn:$want" ]
}

gssapi_bind() {
	kinit user2 <"$(lab_password_file user2)" &&
		is_bound_as cn=user2,cn=users,dc=nwtraders,dc=com ldapwhoami -Q -Y GSSAPI -H "$LDAP_URI"
}

modification() {
	printf 'dn: %s\nchangetype: modify\nreplace: %s\n%s\n' "$1" "$2" "$3"
}

user_cannot_change_template() {
	modification "CN=User,CN=Certificate Templates,$services" flags "flags: 0" |
		fails_with "$INSUFFICIENT_ACCESS" as user1 ldapmodify
}

may_add_below_services() {
	printf 'dn: CN=by %s,CN=CDP,%s\nchangetype: add\nobjectClass: container\n' "$1" "$services" | as "$1" ldapmodify
}

# DER of a certificate and a CRL to publish.
make_certificate_and_crl() {
	printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s\ndefault_md=sha256\ndefault_crl_days=1\n' "$lab/index" \
		>"$lab/ca.cnf" && : >"$lab/index" &&
		openssl ca -gencrl -config "$lab/ca.cnf" -keyfile "$lab/tls/ca.key" -cert "$lab/tls/ca.pem" -out "$lab/crl.pem" &&
		openssl crl -in "$lab/crl.pem" -outform DER -out "$lab/crl.der" &&
		openssl x509 -in "$lab/tls/ca.pem" -outform DER -out "$lab/cert.der"
}

# The object classes that OpenLDAP demands for each kind of PKI object; ldif/README.md lists them.
pki_objects() {
	cat <<-END
		dn: CN=Lab CA,CN=Enrollment Services,$services
		objectClass: pKIEnrollmentService
		objectClass: dircaAuthority
		cn: Lab CA
		displayName: Lab CA
		dNSHostName: localhost
		dircaServiceURL: https://localhost:8443
		cACertificateDN: CN=Lab CA
		certificateTemplates: User
		flags: 10
		dircaCASecurity:: AQAEgA==
		dircaOfficerRights:: AQAEgA==
		cACertificate;binary:< file://$lab/cert.der

		dn: CN=Lab CA,CN=AIA,$services
		objectClass: container
		objectClass: pkiCA
		cn: Lab CA
		cACertificate;binary:< file://$lab/cert.der

		dn: CN=NTAuthCertificates,$services
		objectClass: container
		objectClass: pkiCA
		cn: NTAuthCertificates
		cACertificate;binary:< file://$lab/cert.der

		dn: CN=Lab CA,CN=Certification Authorities,$services
		objectClass: container
		objectClass: pkiCA
		cn: Lab CA
		cACertificate;binary:< file://$lab/cert.der

		dn: CN=localhost,CN=CDP,$services
		objectClass: container
		cn: localhost

		dn: CN=Lab CA,CN=localhost,CN=CDP,$services
		objectClass: cRLDistributionPoint
		cn: Lab CA
		certificateRevocationList;binary:< file://$lab/crl.der

		dn: CN=Lab CA,CN=KRA,$services
		objectClass: msPKI-PrivateKeyRecoveryAgent
		cn: Lab CA
		userCertificate;binary:< file://$lab/cert.der
	END
}

dircad_publishes_pki_objects() {
	pki_objects | as dircad ldapadd
}

dircad_publishes_user_certificate() {
	modification "cn=user1,$users" 'userCertificate;binary' "userCertificate;binary:< file://$lab/cert.der" |
		as dircad ldapmodify &&
		as user2 ldapsearch -LLL -b "cn=user1,$users" userCertificate | grep -q '^userCertificate;binary::'
}

dircad_cannot_change_passwords() {
	modification "cn=user1,$users" userPassword "userPassword: x" |
		fails_with "$INSUFFICIENT_ACCESS" as dircad ldapmodify
}

nobody_reads_passwords() {
	! as user1 ldapsearch -LLL -b "$users" '(cn=user1)' '*' + | grep -iE '^(userPassword|authPassword):' &&
		! as dircad ldapsearch -LLL -b "$users" '(cn=user1)' userPassword | grep -i '^userPassword:' &&
		as dircad ldapsearch -LLL -b "$users" '(cn=user1)' authPassword | grep -q '^authPassword'
}

anonymous_sees_only_rootdse() {
	ldapsearch -x -LLL -H "$LDAP_URI" -s base -b '' namingContexts | grep -qi 'cn=configuration,dc=nwtraders,dc=com' &&
		fails_with "$NO_SUCH_OBJECT" ldapsearch -x -LLL -H "$LDAP_URI" -b "$LDAP_BASE" &&
		fails_with "$NO_SUCH_OBJECT" ldapsearch -x -LLL -H "$LDAP_URI" -b "$LDAP_CONFIG_BASE"
}

descriptors_are_well_formed() {
	as user1 ldapsearch -LLL -b "$services" '(objectClass=pKICertificateTemplate)' cn nTSecurityDescriptor |
		/usr/bin/python3 "$here/../support/check_template_sds.py" "$here/../fixtures/sd/real-ClientAuth-default.bin"
}

memberof_is_transitive() {
	as user5 ldapsearch -LLL -b "$users" '(cn=user3)' memberOf | grep -qi 'memberOf: cn=staff,'
}

pki_can_be_followed() {
	as user1 ldapsearch -E sync=ro -b "$services" '(objectClass=pKICertificateTemplate)' cn |
		grep -q "^control: 1.3.6.1.4.1.4203.1.9.1.3"
}

killed_slapd_starts_again_with_its_data() {
	local uri=$LDAP_URI
	lab_slapd_kill "$lab" && ! ldapwhoami -x -H "$uri" && lab_slapd_start "$lab" && [ "$LDAP_URI" = "$uri" ] &&
		lab_finds 1 as user1 ldapsearch -b "$services" '(cn=by dircad)' dn
}

stopped_slapd_answers_no_more() {
	lab_slapd_stop "$lab" && ! ldapwhoami -x -H "$LDAP_URI" && [ ! -e "$lab/slapd.pid" ]
}

# Root gives the rights away to see that an ordinary user can do the same.
ordinary_user_can_do_it_too() {
	local home code=0
	[ "$(id -u)" -eq 0 ] || return 0
	home=$(mktemp -d /tmp/dirca-lab.XXXXXX) && chown 65534:65534 "$home" || return 1
	# shellcheck disable=SC2016 # expanded by the inner shell
	setpriv --reuid 65534 --regid 65534 --clear-groups bash -euc '
		. "$1"
		lab_kdc_start "$2/lab"
		lab_slapd_start "$2/lab" --tls
		ldapwhoami -Q -Y EXTERNAL -H "$LDAPI_URI"
		lab_slapd_stop "$2/lab"
		lab_kdc_stop "$2/lab"' \
		bash "$here/../support/lab.sh" "$home" || code=1
	rm -rf "$home"
	return "$code"
}

# With one port to choose from.
port_is_given() { # PORT
	(
		unset SRANDOM
		# shellcheck disable=SC2034 # read by lab_free_port
		SRANDOM=$(($1 - 20000))
		lab_free_port
	)
}
# Nobody listens on it yet.
port_is_not_given_twice() {
	local port
	port=$(lab_free_port) && ! port_is_given "$port"
}
port_of_an_ended_script_is_given_again() {
	local port
	# shellcheck disable=SC2016 # expanded by the inner shell
	port=$(bash -c '. "$0/../support/lab.sh" && lab_free_port' "$here") && is "$port" port_is_given "$port"
}

check "the LDIF is what its generator writes" "$here/../support/ldif_is_generated.sh"
check "a port is not given to two" port_is_not_given_twice
check "the port of a script that ended is given again" port_of_an_ended_script_is_given_again
check "the KDC starts" lab_kdc_start "$lab"
begun=$(quiet_ms)
check "slapd starts" lab_slapd_start "$lab" --tls
check "in less than 30 s" [ $(($(quiet_ms) - begun)) -lt 30000 ]
check "simple bind over ldaps" is_bound_as cn=user1,cn=users,dc=nwtraders,dc=com as user1 ldapwhoami
check "simple bind with a wrong password is refused" \
	fails_with "$INVALID_CREDENTIALS" ldapwhoami -x -H "$LDAPS_URI" -D "cn=user1,$users" -w wrong
check "SCRAM-SHA-256 bind" is_bound_as cn=user1,cn=users,dc=nwtraders,dc=com \
	ldapwhoami -Q -Y SCRAM-SHA-256 -U user1 -y "$(lab_password_file user1)" -H "$LDAP_URI"
check "SCRAM-SHA-256 bind with a wrong password is refused" \
	fails_with "$INVALID_CREDENTIALS" ldapwhoami -Q -Y SCRAM-SHA-256 -U user1 -w wrong -H "$LDAP_URI"
check "GSSAPI bind" gssapi_bind
check "EXTERNAL over ldapi is the administrator" \
	is_bound_as cn=admin,dc=nwtraders,dc=com ldapwhoami -Q -Y EXTERNAL -H "$LDAPI_URI"
check "35 templates" lab_finds 35 as user1 ldapsearch -b "$LDAP_CONFIG_BASE" '(objectClass=pKICertificateTemplate)' dn
check "35 templates by pages of 10" \
	lab_finds 35 as user1 ldapsearch -E pr=10/noprompt -b "$LDAP_BASE" '(objectClass=pKICertificateTemplate)' dn
check "two templates demand archival" \
	lab_finds 2 as user1 ldapsearch -b "$services" '(msPKI-Private-Key-Flag:1.2.840.113556.1.4.803:=1)' dn
check "template security descriptors" descriptors_are_well_formed
check "a user is found by UPN without case" \
	lab_finds 1 as user1 ldapsearch -b "$LDAP_BASE" '(userPrincipalName=USER3@NWTRADERS.com)' dn
check "a user is found by SID" lab_finds 1 as user1 ldapsearch -b "$LDAP_BASE" \
	'(objectSid=\01\05\00\00\00\00\00\05\15\00\00\00\89\72\85\c6\d4\2f\0d\4f\dd\bf\ae\25\4d\04\00\00)' dn
check "the domain is found by NetBIOS name" \
	lab_finds 1 as user1 ldapsearch -b "$LDAP_CONFIG_BASE" '(&(objectClass=crossRef)(nETBIOSName=nwtraders))' dn
check "direct groups by a member filter" \
	lab_finds 2 as user1 ldapsearch -b "$LDAP_BASE" "(&(objectClass=groupOfNames)(member=cn=user3,$users))" dn
check "memberOf names nested groups" memberof_is_transitive
check "PKI objects can be followed by syncrepl" pki_can_be_followed
check "an ordinary user cannot change a template" user_cannot_change_template
check "an ordinary user cannot add below Public Key Services" \
	fails_with "$INSUFFICIENT_ACCESS" may_add_below_services user1
check "dircad can" may_add_below_services dircad
check "a CA administrator can" may_add_below_services caadmin
check "a certificate and a CRL are made" make_certificate_and_crl
check "dircad publishes every kind of PKI object" dircad_publishes_pki_objects
check "dircad publishes a user certificate" dircad_publishes_user_certificate
check "dircad cannot change passwords" dircad_cannot_change_passwords
check "users read no passwords; dircad reads authPassword" nobody_reads_passwords
check "anonymous sees the rootDSE only" anonymous_sees_only_rootdse
check "a killed slapd starts again with its data" killed_slapd_starts_again_with_its_data
check "a stopped slapd answers no more" stopped_slapd_answers_no_more
check "an ordinary user can run it" ordinary_user_can_do_it_too
checks_end
