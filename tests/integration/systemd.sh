#!/usr/bin/env bash
# The installed unit, under a systemd of its own (tests/support/under_systemd.sh): it starts and says so, keys are archived, what ends is
# started again, it stops. usage: systemd.sh BUILD-FOLDER
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
if [ "$1" != --inside ]; then
	build=$(cd "$1" && pwd) dir=$(mktemp -d /tmp/dirca-systemd.XXXXXX)
	"$here/../support/under_systemd.sh" "$dir" "$here/systemd.sh" --inside "$build" "$dir"
	status=$?
	if [ $status -eq 0 ] || [ $status -eq 77 ]; then rm -rf "$dir"; else echo "kept: $dir"; fi
	exit $status
fi

build=$2 dir=$3
checks_begin "$dir"
DIRCA_BIN=/usr/bin CA_LAB_SERVICE_USERS="dirca dirca-vault"
installs() {
	cmake --install "$build" --prefix /usr --strip >/dev/null && systemd-sysusers /usr/lib/sysusers.d/dirca.conf &&
		systemd-tmpfiles --create /usr/lib/tmpfiles.d/dirca.conf && systemctl daemon-reload
}
# As an administrator would: a password that the service's group may read, the state where the unit expects it.
configures() {
	ca_lab_prepare "$dir" && lab_export CA_STATE /var/lib/dirca && lab_export CA_SOCKET /run/dirca/dircad.socket && mkdir -p /etc/dirca &&
		install -g dirca -m 640 "$(lab_password_file dircad)" /etc/dirca/directory-password && install -m 644 "$LDAP_CA_FILE" /etc/dirca/directory-ca.pem &&
		sed "/^state_dir = /d; s|^socket = .*|socket = $CA_SOCKET|; s|^dir_password_file = .*|dir_password_file = /etc/dirca/directory-password|
			s|^dir_tls_ca = .*|dir_tls_ca = /etc/dirca/directory-ca.pem|" "$DIRCAD_CONF" >/etc/dirca/dircad.conf && lab_export DIRCAD_CONF /etc/dirca/dircad.conf
}
state() { systemctl show dircad --value -p "$1"; }
is_active() { is active state ActiveState; }
# ROLE of the children, or the supervisor
process() { ps -eo pid=,args= | awk -v role="--role=$1" '/[s]bin\/dircad|^ *[0-9]+ dircad / && index($0, role) { print $1 }'; }
user_of() { ps -o user:20= -p "$1"; }
capabilities_of() { sed -n 's/^Cap[PEA][a-z]*:\t//p' "/proc/$1/status" | sort -u; }
none_for() { is 0000000000000000 capabilities_of "$(process "$1")"; }
runs_as() { is "$2" user_of "$1"; }
owners() { stat -c '%A %U %G %n' /var/lib/dirca /var/lib/dirca/{ca.crt,dirca.db,kra,trust,vault,vault/ca.key}; }
# A file for each try: while the CA starts again, one may be refused.
archives() {
	local said
	said=$(ca_lab_enroll user1 EFSArchive "$(mktemp -u "$dir/$1.XXXXXX.pfx")") && jq -e '.archived == true' <<<"$said"
}
main_is_another() { [ "$(state MainPID)" != "$1" ] && is_active; }
is_another() { local pid; pid=$(process "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]; }
logged() { journalctl -u dircad --no-pager | grep -F "$1"; }
is_gone() { [ -z "$(process front)$(process vault)" ]; }
refused_nothing() { ! logged 'Operation not permitted'; }

check "it is installed" installs
check "a directory and a configuration" configures
check "the CA is made" dirca ca init
owners >"$dir/owners"
check "the unit starts" systemctl start dircad
[ "$CHECKS_BAD" -eq 0 ] || { systemctl status --no-pager -l dircad; journalctl -u dircad --no-pager | tail -30; checks_end; exit 1; }
check "and is ready when that returns" curl -sf --max-time 30 --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts"
check "files belong to whom they belonged" is "$(<"$dir/owners")" owners
check "the supervisor is no root" runs_as "$(state MainPID)" dircad
for role in front vault; do check "$role has no capabilities" none_for $role; done
check "the front is dirca" runs_as "$(process front)" dirca
check "the vault is dirca-vault" runs_as "$(process vault)" dirca-vault
check "its memory is locked" logged 'event="vault started"'
check "it is published" ca_lab_publish
check "and reads what was" ca_lab_eventually ca_lab_is_ready
check "there are KRAs" ca_lab_kras 2
check "a key is archived" archives first
check "who is on the machine is heard at the socket" dirca ca status --socket "$CA_SOCKET"
main=$(state MainPID) vault=$(process vault)
check "the vault is killed" kill -KILL "$vault"
check "another takes its place" ca_lab_eventually is_another vault "$vault"
check "of the same supervisor" is "$main" state MainPID
check "and keys are archived" ca_lab_eventually archives second
check "the supervisor is killed" kill -KILL "$main"
check "systemd starts another" ca_lab_eventually main_is_another "$main"
check "and keys are archived" ca_lab_eventually archives third
check "it reloads" systemctl reload dircad
check "it stops" systemctl stop dircad
check "in good order" is success state Result
check "and is gone" is_gone
check "nothing was refused to it" refused_nothing
ca_lab_directory_stop
checks_end
