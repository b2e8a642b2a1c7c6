#!/usr/bin/env bash
# What README.md says of an ordinary OpenLDAP, word for word: on a machine of its own (tests/support/under_systemd.sh) with dirca installed
# and slapd as Debian makes it, to the first archived key that is recovered. Prints how long that took. usage: newcomer.sh BUILD-FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/plain_slapd.sh
. "$here/../support/plain_slapd.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
if [ "$1" != --inside ]; then
	build=$(cd "$1" && pwd) dir=$(mktemp -d /tmp/dirca-newcomer.XXXXXX)
	"$here/../support/under_systemd.sh" "$dir" "$here/newcomer.sh" --inside "$build" "$dir"
	status=$?
	if [ $status -eq 0 ] || [ $status -eq 77 ]; then rm -rf "$dir"; else echo "kept: $dir"; fi
	exit $status
fi

build=$2 dir=$3
checks_begin "$dir"
installs() {
	cmake --install "$build" --prefix /usr --strip >/dev/null && systemd-sysusers /usr/lib/sysusers.d/dirca.conf &&
		systemd-tmpfiles --create /usr/lib/tmpfiles.d/dirca.conf && systemctl daemon-reload
}

# Where ldapi:/// is by itself, for everybody, as Debian has it. The passwords are files where the newcomer is.
has_slapd() {
	local name
	plain_slapd_start "$dir" && mkdir -p /run/slapd "$dir/home" && touch /run/slapd/ldapi && mount --bind "$dir/ldapi" /run/slapd/ldapi &&
		chmod 777 "$dir/ldapi" || return 1
	for name in admin dircad alice bert otto kim; do
		(umask 077 && printf '%s-Passw0rd\n' "$name" >"$dir/home/$name.password") || return 1
	done
	printf 'TLS_CACERT %s\n' "$LDAP_CA_FILE" >/etc/ldap/ldap.conf
}

# A change is in force within two seconds, says the page; on a busy machine later.
follows_the_page() {
	cd "$dir/home" && HOME=$dir/home python3 "$here/../support/console.py" --mark slapd --again "dirca enroll" "$here/../../README.md"
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

check "it is installed" installs
check "an ordinary slapd" has_slapd
[ "$CHECKS_BAD" -eq 0 ] || exit 1
begun=$(now_ms)
check "README.md is true of it, word for word" follows_the_page
echo "from slapd to the first recovered key: $(($(now_ms) - begun)) ms"
check "a template for people without userPrincipalName" without_upn
check "it is explained by which group" explained
[ "$CHECKS_BAD" -eq 0 ] || journalctl -u dircad --no-pager | tail -20
systemctl stop dircad
lab_slapd_stop "$dir"
checks_end
