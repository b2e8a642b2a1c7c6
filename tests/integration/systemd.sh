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
configures() { ca_lab_prepare "$dir" && lab_export CA_STATE /var/lib/dirca && lab_export CA_SOCKET /run/dirca/dircad.socket && lab_export DIRCAD_CONF /etc/dirca/dircad.conf; }
# shellcheck disable=SC2016 # no expansion is meant
begins_with_setup() { fails_with 4 dirca doctor >"$dir/doctor" && tail -1 "$dir/doctor" | grep -xF 'Next: `dirca setup` writes one'; }
# One line, without a question.
setup() {
	dirca setup --ca-name "$CA_NAME" --host localhost --key rsa2048 --listen "${CA_URL/*\/localhost/127.0.0.1}" --http-listen "${CA_HTTP_URL/*\/localhost/127.0.0.1}" \
		--service-uri "$LDAPS_URI" --tls-ca "$LDAP_CA_FILE" --service-user dircad --service-password-file "$(lab_password_file dircad)" --yes \
		--uri "$LDAPI_URI" --mech EXTERNAL --admin 'CA Administrators' --officer 'Certificate Managers' --auditor Auditors "$@" </dev/null
}
changes_nothing() { find /etc/dirca /etc/systemd /var/lib/dirca -type f ! -name 'dirca.db*' -exec sha256sum {} + | sort; }
would_make_all() {
	local before
	before=$(ls -A /etc/dirca /var/lib/dirca)
	setup --dry-run >"$dir/dry" && grep -qx "  # dirca ca init --config /etc/dirca/dircad.conf --key rsa2048" "$dir/dry" && grep -q '^  # systemctl enable --now dircad' "$dir/dry" &&
		grep -q '^  # dirca ca publish ' "$dir/dry" && [ "$(ls -A /etc/dirca /var/lib/dirca)" = "$before" ]
}
# What is shown is what a shell makes the same words of.
shows_what_may_be_typed() {
	local name="O'Neil | \$(false) #1"
	setup --dry-run --admin "$name" >"$dir/quoted" && eval "set -- $(sed -n 's/^  # dirca ca publish //p' "$dir/quoted")" && is "$name" second_admin "$@"
}
second_admin() {
	while [ $# -gt 1 ] && [ "$1 $2" != "--admin CA Administrators" ]; do shift; done
	[ "${3:-}" = --admin ] && echo "$4"
}
# ---- at a terminal; as the administrator of the CA, by a password that is typed ----
by_hand() { # SCRIPT [OPTION...]
	local script=$1
	shift
	(umask 077 && "$here/../support/by_hand.py" "$script" -- dirca setup --key rsa2048 --listen "${CA_URL/*\/localhost/127.0.0.1}" \
		--http-listen "${CA_HTTP_URL/*\/localhost/127.0.0.1}" --tls-ca "$LDAP_CA_FILE" --uri "$LDAPS_URI" --bind-dn "cn=caadmin,$CA_LAB_USERS" --ask-password "$@") \
		>"$dir/by-hand" || { cat "$dir/by-hand"; return 1; }
}
set_questions() { questions="sees Name of the CA, as certificates will have it:
	says $CA_NAME
	sees Name of this machine, as clients know it"
	answers="$questions
	says localhost
	sees The directory (ldaps://HOST, ldap://HOST with Kerberos, or ldapi:///) [$LDAPS_URI]:
	says "; }
left_nothing() { [ "$(changes_nothing)" = "$1" ] && [ ! -e /etc/dirca/dircad.conf ] && [ ! -e /etc/dirca/directory-password ]; }
ends_with_nothing() {
	local before
	before=$(changes_nothing)
	by_hand "$questions
		interrupts
		dies 2" && left_nothing "$before" &&
		by_hand "$answers
			sees Password of that account:
			presses C
			dies 2" --service-user dircad && left_nothing "$before" &&
		by_hand "$answers
			sees Password of that account:
			hands $(lab_password_file dircad)
			sees dir_authcid = dircad
			sees Write it, and make the CA? [y/N]
			says n
			sees nothing was changed
			ends 2" --service-user dircad && left_nothing "$before" &&
		by_hand "$answers
			sees DN of the account by which the CA reads it:
			says
			sees --service-dn: is empty
			ends 2" && left_nothing "$before"
}
# The second time what was answered is there, and only who publishes is asked: once, whatever is run for him.
goes_on_where_it_was_left() {
	by_hand "$answers
		sees Password of that account:
		hands $(lab_password_file dircad)
		sees Write it, and make the CA? [y/N]
		says y
		sees Password:
		presses C
		dies 2" --service-user dircad && [ ! -e /var/lib/dirca/ca.crt ] && is "dir_auth = scram" grep '^dir_auth =' /etc/dirca/dircad.conf &&
		by_hand "sees Configuration, /etc/dirca/dircad.conf: is there
			sees Password:
			hands $(lab_password_file caadmin)
			sees # dirca ca init
			sees Who administers the CA (user or group of the directory):
			says CA Administrators
			sees --ask-password
			sees $CA_NAME is published
			sees no key recovery agent is enabled
			ends 0
			shows not $(<"$(lab_password_file caadmin)")" --officer 'Certificate Managers' --auditor Auditors &&
		is 1 grep -c 'Password:' "$dir/by-hand"
}
# A keytab of elsewhere is copied, and left as it is; that by which the machine is itself is nobody's.
asked_for_keytabs() { # ACCOUNT'S HTTP THEN...
	local script="$questions
		says localhost
		sees Keytab of the account by which the CA reads it:
		says $1
		sees Keytab of HTTP/HOST, by which people sign in [none]:
		says $2"
	shift 2
	by_hand "$script$(printf '\n%s' "$@")" --service-uri ldap://localhost
}
refuses_the_machines() {
	local before keytab
	before=$(changes_nothing)
	[ -e /etc/krb5.keytab ] || install -m 600 /dev/null /etc/krb5.keytab || return 1
	ln -s /etc/krb5.keytab "$dir/linked.keytab" || return 1
	for keytab in /etc/krb5.keytab "$dir/linked.keytab"; do
		refuses "--http-keytab: /etc/krb5.keytab is this machine's own" setup --http-keytab "$keytab" || return 1
	done
	refuses '--http-keytab: a control character' setup --http-keytab $'/x\nuser = root' && left_nothing "$before"
}
copies_keytabs() {
	local before own=$dir/own.keytab http=$dir/http.keytab
	before=$(changes_nothing)
	echo own >"$own" && echo http >"$http" && chmod 600 "$own" "$http" &&
		asked_for_keytabs "$own" "" "sees dir_keytab = /etc/dirca/dircad.keytab" "sees Write it, and make the CA? [y/N]" "says n" "ends 2" \
			"shows not /etc/dirca/http.keytab" && left_nothing "$before" &&
		asked_for_keytabs "$own" "$http" "sees Write it, and make the CA? [y/N]" "says y" "sees Password:" "presses C" "dies 2" || return 1
	is $'640 root dirca\n640 root dirca\n600 root root\n600 root root' stat -c '%a %U %G' /etc/dirca/{dircad,http}.keytab "$own" "$http" &&
		cmp "$own" /etc/dirca/dircad.keytab && cmp "$http" /etc/dirca/http.keytab && is "keytab = /etc/dirca/http.keytab" grep '^keytab = ' /etc/dirca/dircad.conf &&
		fails_with 1 dirca setup --dry-run --http-keytab "$http" --service-keytab "$own" >"$dir/dry" && # nobody is at ldap://localhost
		grep -qx "Keytab, /etc/dirca/http.keytab: is the service's" "$dir/dry" &&
		refuses "is not changed by setup" dirca setup --dry-run --http-keytab /etc/dirca/other.keytab && rm /etc/dirca/dircad.conf || return 1
	# What another left there is not lost.
	echo other >/etc/dirca/http.keytab && refuses /etc/dirca/http.keytab setup --http-keytab "$http" && is other cat /etc/dirca/http.keytab &&
		rm /etc/dirca/{dircad,http}.keytab /etc/dirca/directory-ca.pem && left_nothing "$before"
}
owns_files() {
	is "640 root dirca" stat -c '%a %U %G' /etc/dirca/directory-password && is "644 root root" stat -c '%a %U %G' /etc/dirca/dircad.conf
}
# Everything is there, and left alone.
makes_nothing_again() {
	local before
	before=$(changes_nothing)
	setup >"$dir/again" && ! grep '^  #' "$dir/again" && [ "$(changes_nothing)" = "$before" ]
}
goes_on() { # what is gone is made again, and nothing else
	systemctl -q disable --now dircad && setup >"$dir/goes-on" && is "  # systemctl enable --now dircad" grep '^  #' "$dir/goes-on"
}
enables_more() { setup --template EFSArchive --template SmartcardUser >"$dir/more" && is "  # dirca template enable SmartcardUser --ca $CA_NAME --uri $LDAPI_URI --mech EXTERNAL --tls-ca $LDAP_CA_FILE" grep '^  #' "$dir/more"; }
state() { systemctl show dircad --value -p "$1"; }
is_active() { is active state ActiveState; }
# ROLE of the children, or the supervisor
process() { ps -eo pid=,args= | awk -v role="--role=$1" '/[s]bin\/dircad|^ *[0-9]+ dircad / && index($0, role) { print $1 }'; }
user_of() { ps -o user:20= -p "$1"; }
capabilities_of() { sed -n 's/^Cap[PEA][a-z]*:\t//p' "/proc/$1/status" | sort -u; }
none_for() { is 0000000000000000 capabilities_of "$(process "$1")"; }
runs_as() { is "$2" user_of "$1"; }
belong() { is $'drwxrwx--t root dirca\n-rw------- dirca dirca\ndrwxr-xr-x root root\ndrwxr-xr-x root root\ndrwx------ dirca-vault dirca-vault\n-rw------- dirca-vault dirca-vault' owners; }
owners() { stat -c '%A %U %G' /var/lib/dirca /var/lib/dirca/{dirca.db,kra,trust,vault,vault/ca.key}; }
# A file for each try: while the CA starts again, one may be refused.
archives() {
	local said
	said=$(ca_lab_enroll user1 EFSArchive "$(mktemp -u "$dir/$1.XXXXXX.pfx")") && jq -e '.archived == true' <<<"$said"
}
# Where systemd may not raise the limit (as in a sandbox), the vault says that it could not.
memory_is_locked() {
	grep -E '^VmLck:.*[1-9][0-9]* kB' "/proc/$(process vault)/status" || { [ "$(ulimit -Hl)" != unlimited ] && logged 'vault memory not locked; raise RLIMIT_MEMLOCK'; }
}
main_is_another() { [ "$(state MainPID)" != "$1" ] && is_active; }
is_another() { local pid; pid=$(process "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]; }
logged() { journalctl -u dircad --no-pager | grep -F "$1"; }
is_gone() { [ -z "$(process front)$(process vault)" ]; }
refused_nothing() { ! logged 'Operation not permitted'; }

check "it is installed" installs
check "a directory" configures
check "before all, the doctor says what to begin with" begins_with_setup
check "without an answer nobody is asked" refuses '--ca-name is needed' dirca setup --standalone --yes
check "a line cannot hide in an answer" refuses 'a control character' dirca setup --standalone --yes --ca-name $'X\nuser = root' --host localhost
check "what would be made is shown" would_make_all
check "in words that may be typed" shows_what_may_be_typed
bundle_stays() { says "dir_tls_ca = $bundle" dirca setup --dry-run --ca-name A --host localhost --service-uri ldaps://localhost --service-dn cn=a --tls-ca "$bundle" </dev/null; }
bundle=/etc/ssl/certs/ca-certificates.crt
check "a machine's bundle stays where it is, and no password is needed to show it" bundle_stays
check "a file that is none is told" refuses '--tls-ca: /etc/none.pem' dirca setup --dry-run --ca-name A --host localhost --tls-ca /etc/none.pem
set_questions
check "who ends it at a question, or says no, has nothing" ends_with_nothing
check "the keys of the machine are not given to the service" refuses_the_machines
check "keytabs are asked for, and copied" copies_keytabs
check "all is made at a terminal, and gone on with" goes_on_where_it_was_left
check "in files that the service can read" owns_files
[ "$CHECKS_BAD" -eq 0 ] || { systemctl status --no-pager -l dircad; journalctl -u dircad --no-pager | tail -30; checks_end; exit 1; }
check "and is ready when that returns" curl -sf --max-time 30 --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts"
check "files belong to whom they should" belong
check "the supervisor is no root" runs_as "$(state MainPID)" dircad
for role in front vault; do check "$role has no capabilities" none_for $role; done
check "the front is dirca" runs_as "$(process front)" dirca
check "the vault is dirca-vault" runs_as "$(process vault)" dirca-vault
check "its memory is locked" memory_is_locked
check "it reads what was published" ca_lab_eventually ca_lab_is_ready
check "the same line again makes nothing" makes_nothing_again
check "another answer than before is told" refuses 'is not changed by setup' setup --host other.example.org
check "a service that was ended is started" goes_on
check "and more templates are enabled" enables_more
check "there are KRAs" ca_lab_kras 2
check "a key is archived" archives first
check "the doctor is content" says "Next: nothing is missing" dirca doctor
# ---- the timer of the machine: what it starts, as it stands and as systemd confines it, without a HOME ----
machine_enrolls() { # here as user1
	ca_lab_as caadmin template duplicate EFSArchive Auto autoenroll=yes && ca_lab_as caadmin template enable Auto &&
		ca_lab_as caadmin template grant Auto user1 enroll autoenroll && ca_lab_person user1 &&
		install -m 600 "$(lab_password_file user1)" /etc/dirca/account-password && install -m 600 "$(ca_lab_pass)" /etc/dirca/enroll-password &&
		sed "s|^password_file = .*|password_file = /etc/dirca/account-password|; s|^tls_ca = .*|tls_ca = /etc/dirca/directory-ca.pem|" \
			"$(ca_lab_home user1)/.config/dirca.conf" >/etc/dirca/dirca.conf
}
enrolled() { systemctl start dirca-enroll.service && ca_lab_certificate_of /var/lib/dirca-enroll/Auto.pfx | openssl x509 -noout -subject | grep user1; }
check "a machine that enrolls by itself" machine_enrolls
check "its timer's service does" ca_lab_eventually enrolled
check "into a folder of root's" is '700 root 600 root' eval 'stat -c "%a %U" /var/lib/dirca-enroll /var/lib/dirca-enroll/Auto.pfx | tr "\n" " " | sed "s/ $//"'
check "once" is 1 eval 'ls /var/lib/dirca-enroll/*.pfx | wc -l'
rm -f /etc/dirca/dirca.conf
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

# ---- what the doctor of the machine finds ----
finds() { # WORDS: in a line that says "missing", and the exit status says so
	fails_with 4 dirca doctor >"$dir/doctor" && grep '^missing' "$dir/doctor" | grep -F "$1" && return
	cat "$dir/doctor"
	return 1
}
conf=/etc/dirca/dircad.conf
with_line() { # SED WORDS: with the configuration changed so
	local status
	cp -a $conf "$dir/conf" && sed -i "$1" $conf && finds "$2"
	status=$?
	cp -a "$dir/conf" $conf
	return $status
}
port_is_taken() {
	local status pid
	python3 -m http.server --bind 127.0.0.1 "${CA_URL##*:}" >/dev/null 2>&1 &
	pid=$!
	ca_lab_eventually curl -sf "http://127.0.0.1:${CA_URL##*:}/" >/dev/null && finds 'Address already in use'
	status=$?
	kill $pid
	return $status
}
without() { # FILE WORDS
	local status
	mv "$1" "$dir/away" && finds "$2"
	status=$?
	mv "$dir/away" "$1"
	return $status
}
check "a service that does not run" finds 'service: dircad does not run'
check "another who has its port" port_is_taken
check "a name that leads nowhere" with_line 's/^host = .*/host = ca.invalid/' 'name: host = ca.invalid'
check "a line that is none" with_line 's/^host = /hots = /' "configuration: $conf"
check "a user who is not there" with_line 's/^user = .*/user = nobody-else/' "users: there is no user 'nobody-else'"
check "a CA that is not made" without "$CA_STATE/ca.crt" 'ca: '
chmod 600 /etc/dirca/directory-password
check "a password that the service cannot read" finds 'user dirca cannot read it'
chmod 644 /etc/dirca/directory-password
check "one that everybody can" finds 'everybody on this machine has it'
chmod 640 /etc/dirca/directory-password
check "a directory that is away" eval 'ca_lab_directory_stop && finds "directory: "'
check "a directory that is back" ca_lab_directory_start
check "started, all is well" eval 'systemctl start dircad && ca_lab_eventually says "Next: nothing is missing" dirca doctor'
check "for scripts, too" eval 'dirca doctor --json | jq -e ".missing == 0 and .next == null and (.findings | length > 8)"'
systemctl stop dircad
ca_lab_directory_stop
checks_end
