#!/usr/bin/env bash
# dirca doctor directory: a directory that lacks nothing, and each lack with its cure. usage: doctor.sh
# DIRECTORY=samba: on a Samba AD instead of OpenLDAP; status 77 where none can run.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

[ "$DIRECTORY" != samba ] || ! samba_lab_missing || exit 77
dir=$(mktemp -d /tmp/dirca-doctor.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

# doctor STATUS OPTION...: its exit status is this; the JSON goes to the file `report`.
doctor() {
	local want=$1 got=0
	shift
	HOME=$(ca_lab_home caadmin) "$DIRCA_BIN/dirca" doctor directory --json "$@" >"$dir/report" || got=$?
	jq -c '.[].findings[] | [.verdict, .check, .text, .cure]' "$dir/report"
	[ "$got" -eq "$want" ]
}

is() { jq -e "$1" "$dir/report" >/dev/null; }

healthy() {
	doctor 0 "$@" && is 'length == 1 and .[0].connected and .[0].missing == 0 and ([.[0].findings[].verdict] | index("missing") == null)'
}

# lacks CHECK WORDS OPTION...: exactly this is missing, and its text or cure has the words.
lacks() {
	local name=$1 words=$2
	shift 2
	doctor 1 "$@" && is "[.[].findings[] | select(.verdict == \"missing\") | .check] == [\"$name\"]" &&
		jq -r '.[].findings[] | select(.verdict == "missing") | .text + " " + .cure' "$dir/report" | grep -F "$words"
}

# As lacks, beside what was taken away before.
lacks_too() {
	local name=$1 words=$2
	doctor 1 && jq -r ".[].findings[] | select(.verdict == \"missing\" and .check == \"$name\") | .text + \" \" + .cure" "$dir/report" |
		grep -iF "$words"
}


describes_openldap() {
	healthy "$@" && is '.[0] | .vendor == "OpenLDAP" and .groups == "member walk" and .descriptors == "plain attribute" and
		.watching == "syncrepl refreshAndPersist" and .sync_control and (.active_directory | not)' &&
		is '.[0].sasl_mechanisms | contains("SCRAM-SHA-256")'
}

describes_samba() {
	healthy "$@" && is '.[0] | (.vendor | contains("Samba")) and .groups == "tokenGroups" and .descriptors == "SD-flags control" and
		.watching == "change notification" and .notification_control and .dirsync_control and .active_directory' &&
		is '[.[0].findings[].check] | index("references") == null'
}

text_names_everything() {
	HOME=$(ca_lab_home caadmin) "$DIRCA_BIN/dirca" doctor directory >"$dir/text" &&
		for word in "Server: OpenLDAP" "Groups by: member walk" "Security descriptors by: plain attribute" \
			"Changes by: syncrepl refreshAndPersist" "good    templates: " "note    groups: "; do
			grep -F "$word" "$dir/text" || return 1
		done
}

change() { lab_modify >/dev/null; }

delete_entry() { printf 'dn: %s\nchangetype: delete\n' "$1" | change; }

hide_descriptor() { printf 'dn: CN=User,CN=Certificate Templates,%s\nchangetype: modify\ndelete: nTSecurityDescriptor\n' "$services" | change; }


# The attribute by another name, in lines that are not wrapped.
without_attribute() {
	lab_slapd_stop "$dir" && sed -i -z 's/\n //g; s/dircaCASecurity/dircaOther/g' "$dir"/slapd.d/cn=config/cn=schema/cn=*dirca-authority.ldif &&
		lab_slapd_start "$dir"
}

two_servers() {
	doctor 1 -H "$1 ldap://127.0.0.1:1" && is 'length == 2 and .[0].missing == 0 and (.[1].connected | not) and .[1].missing == 1'
}

# A certificate of user1, by its DN, which slapd asks for from now on.
client_certificate() {
	local tls=$dir/tls
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/user1.key" -out "$tls/user1.csr" \
		-subj "/DC=com/DC=nwtraders/CN=Users/CN=user1" &&
		openssl x509 -req -in "$tls/user1.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -days 30 -out "$tls/user1.pem" &&
		printf 'dn: cn=config\nchangetype: modify\nreplace: olcTLSVerifyClient\nolcTLSVerifyClient: allow\n' | change
}

# libldap with GnuTLS forgets to free a client's key and certificate.
printf 'leak:%s\n' gnutls_x509_privkey_init gnutls_x509_crt_init >"$dir/leaks"
leaks=suppressions=$dir/leaks:print_suppressions=0

by_client_certificate() {
	LSAN_OPTIONS=$leaks LDAPTLS_CERT=$dir/tls/user1.pem LDAPTLS_KEY=$dir/tls/user1.key healthy -Y EXTERNAL -H "$LDAPS_URI"
}

by_environment() {
	printf 'uri = %s\nmech = EXTERNAL\n' "$LDAPS_URI" >"$dir/bare.conf"
	LSAN_OPTIONS=$leaks LDAPTLS_CERT=$dir/tls/user1.pem LDAPTLS_KEY=$dir/tls/user1.key LDAPTLS_CACERT=$LDAP_CA_FILE \
		healthy --client-config "$dir/bare.conf" &&
		LDAPTLS_CACERT='' lacks tls "is not trusted here" --client-config "$dir/bare.conf"
}

# The CA's people may not see tokenGroups any more.
close_group() {
	printf 'dn: CN=Pre-Windows 2000 Compatible Access,CN=Builtin,%s\nchangetype: modify\ndelete: member\n' "$LAB_BASE_DN" | change
}

openldap() {
	check "a directory that lacks nothing" describes_openldap
	check "the same as text" text_names_everything
	check "as dircad" healthy -c "$DIRCAD_CONF"
	check "one server of two is dead" two_servers "$LDAPS_URI"
	check "a TLS client certificate" client_certificate
	check "EXTERNAL by it" by_client_certificate
	check "EXTERNAL by it, the CA's file from the environment" by_environment
	check "EXTERNAL without it" lacks connection "SASL EXTERNAL" -Y EXTERNAL -H "$LDAPS_URI"
	check "no TLS" lacks tls "use ldaps://" -H "$LDAP_URI" -Y SCRAM-SHA-256
	check "a wrong password" lacks connection "Invalid credentials" -y <(printf wrong)
	check "no directory is named" fails_with 2 "$DIRCA_BIN/dirca" doctor directory --client-config "$dir/nothing"
	delete_entry "CN=OID,$services"
	check "a container is missing" lacks containers "OID"
	hide_descriptor
	check "a template has no descriptor" lacks_too templates "CN=User,"
	delete_entry "CN=$CA_NAME,CN=Enrollment Services,$services"
	ca_lab_dircad_stop
	check "no CA is published" lacks_too services "dirca ca publish"
	check "slapd without syncprov" lab_without_syncprov "$dir"
	check "changes are not told" lacks_too watching "overlay syncprov"
	check "slapd without dirca's attributes" without_attribute
	check "the schema is not whole" lacks_too schema "the schema lacks dircaCASecurity"
	check "certificates" lab_make_bad_certificates "$dir"
	check "an expired certificate" lab_serve_certificate "$dir" expired
	check "is named" lacks_too tls "has expired"
	check "one of another host" lab_serve_certificate "$dir" elsewhere
	check "is named" lacks_too tls "is not for the host localhost"
	check "one of a stranger" lab_serve_certificate "$dir" stranger
	check "is named" lacks_too tls "/CN=another CA, which is not trusted"
}

# The command of the cure, as the administrator. What groups an account is in is seen when it signs in anew.
# shellcheck disable=SC2016 # no expansion is meant
types_cure() {
	local command
	command=$(jq -r '.[].findings[] | select(.verdict == "missing") | .cure' "$dir/report" | grep -o '`dirca directory service-account [^`]*`' | tr -d '`') && echo "$command" &&
		eval "\"\$DIRCA_BIN/\"$command --tls-ca '$LDAP_CA_FILE' -D 'cn=Administrator,$CA_LAB_USERS' -y '$(lab_password_file Administrator)'"
}

may_not_publish() {
	printf 'dn: CN=Cert Publishers,CN=Users,%s\nchangetype: modify\ndelete: member\nmember: CN=dircad,CN=Users,%s\n' "$LAB_BASE_DN" "$LAB_BASE_DN" | change
}

samba_ad() {
	check "a directory that lacks nothing" describes_samba
	check "as dircad" healthy -c "$DIRCAD_CONF"
	check "dircad may write its CRL, and not everything" grep -E 'below .*CDP.*, not below .*' "$dir/report"
	check "dircad is no Cert Publisher" may_not_publish
	check "which is missing" lacks rights "may not write userCertificate of" -c "$DIRCAD_CONF"
	check "what is typed mends it" types_cure
	check "indeed" healthy -c "$DIRCAD_CONF"
	close_group
	check "tokenGroups cannot be read" lacks groups "Pre-Windows 2000 Compatible Access" -c "$DIRCAD_CONF"
	check "what is typed mends it" types_cure
	check "indeed" healthy -c "$DIRCAD_CONF"
}

check "a CA" ca_lab_start "$dir" basic
services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
: >"$dir/nothing"
if [ "$DIRECTORY" = samba ]; then
	samba_ad
else
	openldap
fi
checks_end
