# shellcheck shell=bash
# An ordinary OpenLDAP, as Debian's package slapd makes it (its own slapd.init.ldif), with people and groups of RFC 2307: nothing of
# dirca's or of Active Directory's is in it, and no one account may write both cn=config and the tree. Source it after lab.sh.
#
#   plain_slapd_start DIR    dc=acme,dc=example; exports LDAPI_URI and the rest of lab_slapd_start, and PLAIN_ADMIN, the
#                            options of a command that is cn=admin of the tree. lab_slapd_stop ends it
#   plain_slapd_people DIR N so many more, u1 to uN
#   plain_slapd_install      the same tree in the slapd of this machine, which it installs; exports PLAIN_ADMIN. For a machine of its own
#                            (tests/support/under_systemd.sh)
#
# People are alice, bert, otto, kim and carol, whose password is NAME-Passw0rd; groups are staff (posixGroup; the primary group of all),
# ops (posixGroup, memberUid bert) and pki-admins (groupOfNames, carol).

PLAIN_INIT=/usr/share/slapd/slapd.init.ldif
PLAIN_SUFFIX=dc=acme,dc=example

plain_person() {
	cat <<-END
		dn: uid=$1,ou=People,$PLAIN_SUFFIX
		objectClass: inetOrgPerson
		objectClass: posixAccount
		uid: $1
		cn: ${1^} Example
		sn: Example
		mail: $1@acme.example
		uidNumber: $2
		gidNumber: 10000
		homeDirectory: /home/$1
		userPassword: $1-Passw0rd

	END
}

plain_tree() {
	local name number=10000
	cat <<-END
		dn: $PLAIN_SUFFIX
		objectClass: dcObject
		objectClass: organization
		o: Acme
		dc: acme

		dn: ou=People,$PLAIN_SUFFIX
		objectClass: organizationalUnit
		ou: People

		dn: ou=Groups,$PLAIN_SUFFIX
		objectClass: organizationalUnit
		ou: Groups

		dn: cn=staff,ou=Groups,$PLAIN_SUFFIX
		objectClass: posixGroup
		cn: staff
		gidNumber: 10000

		dn: cn=ops,ou=Groups,$PLAIN_SUFFIX
		objectClass: posixGroup
		cn: ops
		gidNumber: 10001
		memberUid: bert

		dn: cn=pki-admins,ou=Groups,$PLAIN_SUFFIX
		objectClass: groupOfNames
		cn: pki-admins
		member: uid=carol,ou=People,$PLAIN_SUFFIX

		dn: ou=Services,$PLAIN_SUFFIX
		objectClass: organizationalUnit
		ou: Services

		dn: cn=dircad,ou=Services,$PLAIN_SUFFIX
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		cn: dircad
		userPassword: dircad-Passw0rd

	END
	for name in alice bert otto kim carol; do
		plain_person "$name" $((++number))
	done
}

plain_slapd_create() {
	lab_make_tls 127.0.0.1 && lab_mkdir "$LAB_DIR/slapd.d" "$LAB_DIR/db" || return 1
	sed -e "s|@SUFFIX@|$PLAIN_SUFFIX|; s|@BACKEND@|mdb|; s|@PASSWORD@|admin-Passw0rd|" -e "s|/var/lib/ldap|$LAB_DIR/db|" \
		-e "s|/var/run/slapd|$LAB_DIR|" -e "s|gidNumber=0+uidNumber=0|gidNumber=$(id -g)+uidNumber=$(id -u)|" \
		-e "s|^olcToolThreads.*|&\nolcTLSCertificateFile: $LAB_DIR/tls/server.pem\nolcTLSCertificateKeyFile: $LAB_DIR/tls/server.key|" \
		"$PLAIN_INIT" >"$LAB_DIR/config.ldif" && plain_tree >"$LAB_DIR/tree.ldif" &&
		slapadd -n 0 -F "$LAB_DIR/slapd.d" -l "$LAB_DIR/config.ldif" &&
		slapadd -q -F "$LAB_DIR/slapd.d" -b "$PLAIN_SUFFIX" -l "$LAB_DIR/tree.ldif"
}

plain_slapd_start() {
	# shellcheck disable=SC2034 # lab_slapd_start exports it
	local LAB_BASE_DN=$PLAIN_SUFFIX
	[ -f "$PLAIN_INIT" ] || { lab_fail "$PLAIN_INIT: Debian's package slapd has it"; return 1; }
	lab_use "$1" || return 1
	[ -d "$LAB_DIR/slapd.d" ] || plain_slapd_create >"$LAB_DIR/slapadd.log" 2>&1 || { cat "$LAB_DIR/slapadd.log" >&2; return 1; }
	lab_slapd_start "$1" --tls
	PLAIN_ADMIN=(-D "cn=admin,$PLAIN_SUFFIX" -y "$(lab_password_file admin)")
}

plain_slapd_people() {
	local i
	for ((i = 1; i <= $2; i++)); do
		plain_person "u$i" $((20000 + i))
	done | ldapadd -x -H "$LDAPI_URI" "${PLAIN_ADMIN[@]}" >/dev/null
}

plain_slapd_install() {
	PLAIN_ADMIN=(-D "cn=admin,$PLAIN_SUFFIX" -y /root/admin)
	debconf-set-selections <<-END && apt-get install -q slapd && (umask 077 && printf admin-Passw0rd >/root/admin) || return 1
		slapd slapd/domain string acme.example
		slapd shared/organization string Acme
		slapd slapd/password1 password admin-Passw0rd
		slapd slapd/password2 password admin-Passw0rd
	END
	# Its top is there.
	plain_tree | sed '1,/^$/d' | ldapadd -x -H ldapi:/// "${PLAIN_ADMIN[@]}"
}
