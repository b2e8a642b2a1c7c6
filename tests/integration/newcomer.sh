#!/usr/bin/env bash
# What README.md says of an ordinary OpenLDAP, or with DIRECTORY=samba of a Samba AD with Kerberos, word for word, on a fresh Debian under a
# systemd of its own (tests/support/under_systemd.sh): the directory's server as Debian makes it, and nothing that README.md does not name, to
# the first archived key that is recovered. Prints how long that took. tests/package makes TREE. usage: newcomer.sh TREE
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
	tree=$(cd "$1" && pwd) dir=$(mktemp -d /tmp/dirca-newcomer.XXXXXX)
	"$here/../support/under_systemd.sh" --tree "$tree" "$dir" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DIRECTORY="${DIRECTORY:-openldap}" /run/host/dirca/tests/integration/newcomer.sh --inside "$dir"
	status=$?
	if [ $status -eq 0 ] || [ $status -eq 77 ]; then rm -rf "$dir"; else echo "kept: $dir"; fi
	exit $status
fi

dir=$2 home=/packages/dirca # beside the packages, as who built them is
checks_begin "$dir"
# As Debian's installer leaves it: what is installed is started, and questions have their default answers.
becomes_a_machine() {
	export DEBIAN_FRONTEND=noninteractive
	rm /usr/sbin/policy-rc.d && echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90yes && mkdir "$home"
}
# The test's own Python is this machine's: the fresh one need not have any.
lent_python() {
	local usr=/run/host/usr lib
	lib=$usr/lib/$(uname -m)-linux-gnu
	set -- "$lib"/ld-linux*.so.? --argv0 "$usr/bin/python3" --library-path "$lib" "$usr/bin/python3" "$@"
	"$@"
}

# The passwords are files where the newcomer is.
has_passwords() {
	local name
	for name; do
		(umask 077 && printf '%s-Passw0rd\n' "$name" >"$home/$name.password") || return 1
	done
}

has_slapd() { plain_slapd_install && has_passwords admin dircad alice bert otto kim; }

# Without a word about it nothing is made of a directory that lacks everything: what would be typed is shown.
is_not_prepared_unasked() {
	cd "$home" && ! dirca setup --yes --ca-name Acme-CA --host localhost --service-dn "cn=dircad,ou=Services,$PLAIN_SUFFIX" \
		--service-password-file dircad.password --uri ldapi:/// "${PLAIN_ADMIN[@]}" >said 2>&1 && cat said &&
		grep -qx "  # dirca directory init --templates --uri ldapi:/// --bind-dn 'cn=admin,$PLAIN_SUFFIX' --password-file .*" said &&
		grep -q "^dirca setup: the directory is not prepared" said &&
		lent_python "$here/../support/by_hand.py" "sees Add schema, containers, templates, SIDs for people and groups, and the rights of the CA's account? [y/N]
			says n
			sees the directory is not prepared
			ends 1" -- dirca setup --uri ldapi:/// "${PLAIN_ADMIN[@]}" && [ ! -e /var/lib/dirca/ca.crt ] &&
		! ldapsearch -x -LLL -H ldapi:/// "${PLAIN_ADMIN[@]}" -b "CN=Configuration,$PLAIN_SUFFIX" dn 2>/dev/null && rm /etc/dirca/dircad.conf /etc/dirca/directory-password
}

has_samba() { plain_samba_start && has_passwords Administrator alice bert otto kim; }

# A change is in force within two seconds, says the page, and a server answers when it was started: on a busy machine later. As a careful
# root, whose files are nobody's business.
page() { # MARK
	(umask 077 && cd "$home" && lent_python "$here/../support/console.py" --mark "$1" --again "dirca enroll" --again "directory init" \
		"$here/../../README.md") >"$dir/page.$1"
	local status=$?
	cat "$dir/page.$1"
	return $status
}
# Of "ok   12.3 s: apt install ../dirca..." and "ok   4.5 s: as alice dirca enroll ...".
tells_time() { # MARK DIRECTORY
	sed -n 's/^ok *\([0-9.]*\) s: \(apt install [.][.]\|as alice dirca enroll \).*/\1/p' "$dir/page.debian" "$dir/page.$1" | {
		local installed archived
		read -r installed && read -r archived && echo "on $2: dirca installed in $installed s, first archived key $archived s after that"
	}
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
	cd "$home" && ldap_admin ldapmodify <<-END || return 1
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

# Asked at a terminal, and told yes; a container that is gone again.
is_prepared_when_wanted() {
	local aia="CN=AIA,CN=Public Key Services,CN=Services,CN=Configuration,$PLAIN_SUFFIX"
	cd "$home" && ldap_admin ldapdelete -r "$aia" &&
		lent_python "$here/../support/by_hand.py" "sees Add schema, containers, templates, SIDs for people and groups, and the rights of the CA's account? [y/N]
			says y
			sees # dirca directory init --templates
			sees has what it needs
			ends 0" -- dirca setup --uri ldapi:/// "${PLAIN_ADMIN[@]}" && ldap_admin ldapsearch -LLL -b "$aia" -s base dn
}

# posixGroup by the gidNumber of its people: that is how bert may enroll.
explained() {
	cd "$home" && dirca explain enroll bert MailArchive --socket /run/dirca/dircad.socket --uri ldapi:/// --mech SIMPLE "${PLAIN_ADMIN[@]}" >explained
	cat explained && grep -qF 'as bert -> staff (primary group)' explained
}

of_openldap() {
	check "an ordinary slapd" has_slapd
	check "dirca is installed as README.md says" page debian
	[ "$CHECKS_BAD" -eq 0 ] || exit 1
	check "nobody prepares it unasked" is_not_prepared_unasked
	check "README.md is true of it, word for word" page slapd
	tells_time slapd OpenLDAP || CHECKS_BAD=$((CHECKS_BAD + 1))
	check "what is gone is prepared again by who is asked" is_prepared_when_wanted
	check "a template for people without userPrincipalName" without_upn
	check "it is explained by which group" explained
}

of_samba() {
	check "a bare Samba AD" has_samba
	check "dirca is installed as README.md says" page debian
	[ "$CHECKS_BAD" -eq 0 ] || exit 1
	check "README.md is true of it, word for word" page samba
	tells_time samba "Samba AD" || CHECKS_BAD=$((CHECKS_BAD + 1))
}

check "a fresh Debian" becomes_a_machine
if [ "$DIRECTORY" = samba ]; then of_samba; else of_openldap; fi
[ "$CHECKS_BAD" -eq 0 ] || journalctl -u dircad --no-pager | tail -20
checks_end
