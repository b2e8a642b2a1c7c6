#!/usr/bin/env bash
# What `cmake --install` puts where, and that what was installed finds the rest of itself, wherever it is.
# usage: install.sh BUILD-FOLDER
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?the build}" && pwd)
source_dir=$(cd "$here/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/lab.sh
. "$here/../support/lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
dir=$(mktemp -d /tmp/dirca-install.XXXXXX)
finish() {
	[ ! -f "$dir/slapd.pid" ] || lab_slapd_stop "$dir"
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
root=$dir/root

installs() { DESTDIR=$1 cmake --install "$build" --prefix "$2" --strip "${@:3}" >/dev/null; }
# Mode and name of all but folders, as in the list; a link with where it leads.
listing() { (cd "$1" && find . -type f -printf '%04m %P\n' -o -type l -printf 'link %P -> %l\n' | sort -k2); }
is_the_list() {
	diff <(grep -v '^#' "$source_dir/tests/fixtures/installed.txt"; pages | sort -k2) <(listing "$root" | grep -v /man/; listing "$root" | grep /man/) &&
		[ -z "$(find "$root" -type d ! -perm 0755)" ]
}
pages() {
	local page
	for page in "$source_dir"/docs/man/*; do
		echo "0644 usr/share/man/man${page##*.}/${page##*/}"
	done
}
# Programs, units, scripts: no folder of the build, of the source, of another prefix.
names_no_build_path() {
	! grep -rlF -e "$source_dir" -e "$build" -e /usr/local "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/libexec" "$root/usr/share/bash-completion" \
		"$root/usr/share/zsh" "$root/usr/share/fish" "$root/etc"
}
has_no_people() { ! grep -rliE --include='*.ldif' --include='*.conf' 'user1|Passw0rd' "$root"; }
finds_its_ldif() { "$root/usr/bin/dirca" directory check --templates -H "$LDAPI_URI" -Y EXTERNAL; }
finds_dircad() { refuses "$dir/none.conf" "$root/usr/bin/dirca" db stats -c "$dir/none.conf"; }
finds_no_dircad() { mv "$root/usr/sbin/dircad" "$dir/dircad" && refuses 'dircad is not installed here' "$root/usr/bin/dirca" db stats -c "$dir/none.conf"; }
certmonger_helper_finds_dirca() { CERTMONGER_OPERATION=IDENTIFY "$root/usr/libexec/dirca/certmonger-submit"; }
is_certutil() { refuses 'none of the words is a command of CertUtil' "$root/usr/libexec/dirca/certutil.exe" -nothing; }
units_name_programs() { grep -h '^Exec' "$1"/lib/systemd/*/*.service | grep -oE '/[a-z/]*bin/dircad?' | sort -u; }
names() { is "$2" units_name_programs "$1"; }
# systemd looks whether what a unit starts is there: here it is, below the folder.
takes_units() {
	local unit
	mkdir -p "$dir/units" && for unit in dircad dirca-enroll; do
		sed "s|/usr/s\?bin/dirca|$root&|; s|/bin/kill|$(command -v kill)|" "$root/usr/lib/systemd/system/$unit.service" >"$dir/units/$unit.service" || return 1
	done
	systemd-analyze verify --man=no --recursive-errors=no "$dir"/units/*.service
}
# Of 10, the less the better: what a service could do to the machine if it were taken over.
is_not_exposed() {
	local said
	said=$(systemd-analyze security --offline=yes --no-pager --threshold=19 "$1") || { echo "$said"; return 1; }
	tail -1 <<<"$said"
}
is_exposed_as() { # WORDS: a unit without that line is above the bound
	mkdir -p "$dir/worse" && grep -v "^$1" "$root/usr/lib/systemd/system/dircad.service" >"$dir/worse/dircad.service" && ! is_not_exposed "$dir/worse/dircad.service"
}
makes_users() { mkdir -p "$dir/users/etc" && systemd-sysusers --root="$dir/users" "$root/usr/lib/sysusers.d/dirca.conf" && is $'dirca dirca\ndirca-vault dirca-vault\ndircad dirca' users; }
users() {
	local name gid
	while IFS=: read -r name _ _ gid _; do
		echo "$name $(awk -F: -v gid="$gid" '$3 == gid { print $1 }' "$dir/users/etc/group")"
	done < <(grep ^dirca "$dir/users/etc/passwd") | LC_ALL=C sort
}
makes_folders() { systemd-tmpfiles --root="$dir/users" --create "$root/usr/lib/tmpfiles.d/dirca.conf" && is '1771 0' stat -c '%a %u' "$dir/users/var/lib/dirca"; }

check "it installs" installs "$root" /usr
check "each file is on the list, with its mode" is_the_list
check "no path of the build is in it" names_no_build_path
check "no demo people are in it" has_no_people
check "units name the programs of this prefix" names "$root/usr" $'/usr/bin/dirca\n/usr/sbin/dircad'
check "another prefix" installs "$dir/other" /opt/dirca
check "is named too" names "$dir/other/opt/dirca" $'/opt/dirca/bin/dirca\n/opt/dirca/sbin/dircad'
check "the demo, where it is asked for" installs "$dir/demo" /usr --component demo
check "has its people" grep -q user1 "$dir/demo/usr/share/dirca-demo/ldif/tree/30-organisation.ldif"
check "a directory" lab_slapd_start "$dir"
check "dirca finds its LDIF files" finds_its_ldif
check "dirca finds dircad" finds_dircad
check "or says that it is not there" finds_no_dircad
check "certmonger's helper finds dirca" certmonger_helper_finds_dirca
check "it is certutil, by that name" is_certutil
mv "$dir/dircad" "$root/usr/sbin/dircad"
check "systemd takes the units" takes_units
for unit in dircad dirca-enroll; do
	check "$unit.service is exposed less than 2" is_not_exposed "$root/usr/lib/systemd/system/$unit.service"
done
check "which one without its filter of system calls is not" is_exposed_as SystemCallFilter=
check "nor one that runs as root" is_exposed_as User=
# With users and files of this machine; the rest of the example is as it is.
reads_the_example() {
	echo password >"$dir/password" && sed "/^user/d; /^vault_user/d; s|^dir_password_file = .*|dir_password_file = $dir/password|" \
		"$root/usr/share/doc/dirca/examples/dircad.conf" >"$dir/example.conf" &&
		says 'the configuration is good' "$root/usr/sbin/dircad" -t -c "$dir/example.conf"
}
check "the example of a configuration is read" reads_the_example
check "sysusers makes the users" makes_users
check "tmpfiles makes the folder" makes_folders
if command -v apparmor_parser >/dev/null; then
	check "AppArmor takes the profile" apparmor_parser -QTK "$root/etc/apparmor.d/dircad"
else
	echo "SKIPPED: apparmor_parser is not here"
fi
checks_end
