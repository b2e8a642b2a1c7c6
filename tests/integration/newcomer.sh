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
	for name in admin dircad alice otto kim; do
		(umask 077 && printf '%s-Passw0rd\n' "$name" >"$dir/home/$name.password") || return 1
	done
	printf 'TLS_CACERT %s\n' "$LDAP_CA_FILE" >/etc/ldap/ldap.conf
}

follows_the_page() {
	cd "$dir/home" && HOME=$dir/home python3 "$here/../support/console.py" --mark slapd "$here/../../README.md"
}

check "it is installed" installs
check "an ordinary slapd" has_slapd
[ "$CHECKS_BAD" -eq 0 ] || exit 1
begun=$(now_ms)
check "README.md is true of it, word for word" follows_the_page
echo "from slapd to the first recovered key: $(($(now_ms) - begun)) ms"
[ "$CHECKS_BAD" -eq 0 ] || journalctl -u dircad --no-pager | tail -20
systemctl stop dircad
lab_slapd_stop "$dir"
checks_end
