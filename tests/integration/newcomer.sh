#!/usr/bin/env bash
# What README.md says of an ordinary OpenLDAP, or with DIRECTORY=samba of a Samba AD with Kerberos, word for word: on a machine of its own
# (tests/support/under_systemd.sh) with dirca installed and the server as Debian makes it, to the first archived key that is recovered.
# Prints how long that took. usage: newcomer.sh FOLDER, of a build or of Debian's packages
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/plain_slapd.sh
. "$here/../support/plain_slapd.sh"
# shellcheck source-path=SCRIPTDIR source=../support/plain_samba.sh
. "$here/../support/plain_samba.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
if [ "$1" != --inside ]; then
	[ "$DIRECTORY" != samba ] || ! samba_lab_missing || exit 77
	build=$(cd "$1" && pwd) dir=$(mktemp -d /tmp/dirca-newcomer.XXXXXX)
	"$here/../support/under_systemd.sh" "$dir" "$here/newcomer.sh" --inside "$build" "$dir"
	status=$?
	if [ $status -eq 0 ] || [ $status -eq 77 ]; then rm -rf "$dir"; else echo "kept: $dir"; fi
	exit $status
fi

build=$2 dir=$3
checks_begin "$dir"
installs() {
	if [ -f "$build/CMakeCache.txt" ]; then
		cmake --install "$build" --prefix /usr --strip >/dev/null && systemd-sysusers /usr/lib/sysusers.d/dirca.conf &&
			systemd-tmpfiles --create /usr/lib/tmpfiles.d/dirca.conf && systemctl daemon-reload
	else
		dpkg -i "$build"/dirca_0.1.0_*.deb "$build"/dircad_0.1.0_*.deb
	fi
}

# The passwords are files where the newcomer is.
has_passwords() {
	local name
	mkdir -p "$dir/home" || return 1
	for name; do
		(umask 077 && printf '%s-Passw0rd\n' "$name" >"$dir/home/$name.password") || return 1
	done
}

# Where ldapi:/// is by itself, for everybody, as Debian has it.
has_slapd() {
	plain_slapd_start "$dir" && mkdir -p /run/slapd && touch /run/slapd/ldapi && mount --bind "$dir/ldapi" /run/slapd/ldapi &&
		chmod 777 "$dir/ldapi" && printf 'TLS_CACERT %s\n' "$LDAP_CA_FILE" >/etc/ldap/ldap.conf && has_passwords admin dircad alice bert otto kim
}

# Without a word about it nothing is made of a directory that lacks everything: what would be typed is shown.
is_not_prepared_unasked() {
	cd "$dir/home" && ! dirca setup --yes --ca-name Acme-CA --host localhost --service-dn "cn=dircad,ou=Services,$PLAIN_SUFFIX" \
		--service-password-file dircad.password --uri ldapi:/// "${PLAIN_ADMIN[@]}" >said 2>&1 && cat said &&
		grep -qx "  # dirca directory init --templates --uri ldapi:/// --bind-dn 'cn=admin,$PLAIN_SUFFIX' --password-file .*" said &&
		grep -q "^dirca setup: the directory is not prepared" said &&
		"$here/../support/by_hand.py" "sees Add schema, containers, templates, SIDs for people and groups, and the rights of the CA's account? [y/N]
			says n
			sees the directory is not prepared
			ends 1" -- dirca setup --uri ldapi:/// "${PLAIN_ADMIN[@]}" && [ ! -e /var/lib/dirca/ca.crt ] &&
		! ldapsearch -x -LLL -H ldapi:/// "${PLAIN_ADMIN[@]}" -b "CN=Configuration,$PLAIN_SUFFIX" dn 2>/dev/null && rm /etc/dirca/dircad.conf /etc/dirca/directory-password
}

has_samba() { plain_samba_start && has_passwords Administrator alice bert otto kim; }

# A change is in force within two seconds, says the page, and a server answers when it was started: on a busy machine later. As a careful
# root, whose files are nobody's business.
follows_the_page() { # MARK
	(umask 077 && cd "$dir/home" && HOME=$dir/home python3 "$here/../support/console.py" --mark "$1" --again "dirca enroll" --again "directory init" \
		"$here/../../README.md") >"$dir/page"
	local status=$?
	cat "$dir/page"
	return $status
}
# "ok   12.3 s: as alice dirca enroll ..."
tells_time() { # DIRECTORY
	sed -n "s/^ok   \([0-9.]*\) s: as alice dirca enroll .*/first archived key after \1 s on $1/p" "$dir/page"
}

ldap_admin() { "$1" -x -H ldapi:/// "${PLAIN_ADMIN[@]}" "${@:2}"; }
admin() { dirca "$@" --uri ldapi:/// --mech SIMPLE "${PLAIN_ADMIN[@]}"; }
bert() {
	dirca "$@" --uri ldapi:/// --mech SIMPLE --user bert --bind-dn "uid=bert,ou=People,$PLAIN_SUFFIX" --password-file bert.password \
		--out-password-file bert.password
}

enrolls_by_mail() { bert enroll MailArchive --out mail.pfx >enrolled; }

# Of bert the CA has not heard before: what it knows of accounts is some seconds old.
# A template whose names an ordinary tree has: common name and mail. It archives as well.
without_upn() {
	cd "$dir/home" && ldap_admin ldapmodify <<-END || return 1
		dn: uid=bert,ou=People,$PLAIN_SUFFIX
		changetype: modify
		delete: userPrincipalName
	END
	refuses CERTSRV_E_SUBJECT_UPN_REQUIRED bert enroll EFSArchive --out upn.pfx || return 1
	admin template duplicate EFSArchive MailArchive subject=cn,email &&
		admin template enable MailArchive && ca_lab_eventually enrolls_by_mail && grep -qF "Private key archived: yes" enrolled &&
		openssl pkcs12 -in mail.pfx -passin file:bert.password -nokeys -clcerts -out mail.crt &&
		is "subject=CN = Bert Example" openssl x509 -in mail.crt -noout -subject &&
		says "email:bert@acme.example" openssl x509 -in mail.crt -noout -ext subjectAltName
}

# posixGroup by the gidNumber of its people: that is how bert may enroll.
explained() {
	cd "$dir/home" && dirca explain enroll bert MailArchive --socket /run/dirca/dircad.socket --uri ldapi:/// --mech SIMPLE "${PLAIN_ADMIN[@]}" >explained
	cat explained && grep -qF 'as bert -> staff (primary group)' explained
}

of_openldap() {
	check "an ordinary slapd" has_slapd
	[ "$CHECKS_BAD" -eq 0 ] || exit 1
	check "nobody prepares it unasked" is_not_prepared_unasked
	check "README.md is true of it, word for word" follows_the_page slapd
	tells_time OpenLDAP
	check "a template for people without userPrincipalName" without_upn
	check "it is explained by which group" explained
	lab_slapd_stop "$dir"
}

of_samba() {
	check "a bare Samba AD" has_samba
	[ "$CHECKS_BAD" -eq 0 ] || exit 1
	check "README.md is true of it, word for word" follows_the_page samba
	tells_time "Samba AD"
}

check "it is installed" installs
[ "$CHECKS_BAD" -eq 0 ] || exit 1
if [ "$DIRECTORY" = samba ]; then of_samba; else of_openldap; fi
[ "$CHECKS_BAD" -eq 0 ] || journalctl -u dircad --no-pager | tail -20
systemctl stop dircad
checks_end
