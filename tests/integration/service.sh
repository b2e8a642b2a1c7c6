#!/usr/bin/env bash
# What may happen to the machine of a CA: somebody sets its clock, its files are lost, or come back from an older copy.
# usage: service.sh CLOCK_SHIM
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-service.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_PRELOAD=${1:?the library}
export CLOCK_SHIM=$dir/clock
DAY=86400
head -c 8 /dev/zero >"$CLOCK_SHIM"

sql() { sqlite3 "$CA_STATE/dirca.db" "PRAGMA busy_timeout = 5000; $1" | tail -n +2; }
logged() { grep -F "$1" "$dir/dircad.log"; }
crl() { curl -sf --max-time 30 "$CA_HTTP_URL/dirca/$CA_NAME.crl" >"$dir/crl" && openssl crl -inform DER -in "$dir/crl" "$@" -noout; }
crl_number() { crl -crlnumber | sed 's/.*=0x//'; }
crl_is_newer_than() { [ $((16#$(crl_number))) -gt $((16#$1)) ]; }
crl_begins_in_the_past() { [ "$(date -d "$(crl -lastupdate | cut -d= -f2)" +%s)" -le "$(date +%s)" ]; }
revoked() { crl -text | grep -c 'Serial Number:'; }
vault_keys() { find "$CA_STATE/vault" -name 'xchg-*.key' | wc -l; }
archives() { rm -f "$dir/$1".*; ca_lab_enroll user1 EFSArchive "$dir/$1.pfx" --key p256; }
# Sets the clock and waits until dircad has seen it for the nth time and put things in order.
step() { # SECONDS N
	local before
	before=$(crl_number)
	ca_lab_set_clock "$1" && ca_lab_eventually seen "$2" && ca_lab_eventually crl_is_newer_than "$before"
}
seen() { [ "$(grep -cF 'the clock was set' "$dir/dircad.log")" -ge "$1" ]; }

METRICS_URL=http://127.0.0.1:$(lab_free_port)
CA_LAB_OPTIONS="metrics_listen = ${METRICS_URL#http://}
"
check "a CA" ca_lab_start "$dir" external
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "templates for elliptic curves" ca_lab_allow_ec EFSArchive User

# ---- what it tells who watches it ----
watched() { curl -s --max-time 60 -w '%{http_code} %{content_type}\n' "$@"; }
# metric SERIES...: the value of each; every line is held to the format.
metric() { curl -sf --max-time 60 "$METRICS_URL/metrics" | "$here/../support/exposition.py" "$@"; }
# A gauge as large as that, for how long something lasts.
metric_is_between() { # LEAST MOST SERIES
	local value
	value=$(metric "$3") || return 1
	echo "$3 is '$value'"
	[ "$value" -ge "$1" ] && [ "$value" -le "$2" ]
}
# changes SERIES BY COMMAND...: by so much while the command runs.
changes() {
	local series=$1 by=$2 before after
	before=$(metric "$series") || return 1
	shift 2
	"$@" || return 1
	after=$(metric "$series") || return 1
	echo "$series: $before, then $after"
	[ $((${after/none/0} - ${before/none/0})) -eq "$by" ]
}
names_nobody() { ! curl -sf --max-time 60 "$METRICS_URL/metrics" | grep -iE 'user1|kra1|caadmin|nwtraders'; }
not_there() { # CURL-ARGUMENT...
	local answer
	answer=$(watched -o /dev/null "$@") || return 1
	echo "$answer"
	[[ $answer == 404* ]]
}
for path in /metrics /healthz; do
	check "$path is not served over HTTPS" not_there --cacert "$CA_STATE/ca.crt" "$CA_URL$path"
	check "nor over HTTP" not_there "$CA_HTTP_URL$path"
	check "nor at the socket" not_there --unix-socket "$CA_SOCKET" "http://localhost$path"
done
check "where they are, nothing else is" not_there "$METRICS_URL/dirca/$CA_NAME.crl"
check "they are read only" is '405 application/json' watched -o /dev/null -X POST -H 'Content-Type: application/json' "$METRICS_URL/metrics"
check "a page of another name reads nothing" is '403 application/json' watched -o /dev/null -H 'Host: evil.example' "$METRICS_URL/metrics"
check "the CA is well" is $'ok\n200 text/plain; charset=utf-8' watched "$METRICS_URL/healthz"
check "metrics say what they are" is '200 text/plain; version=0.0.4; charset=utf-8' watched -o /dev/null "$METRICS_URL/metrics"
check "and that all is there" is $'1\n1\n1' metric 'dirca_works{part="database"}' 'dirca_works{part="vault"}' 'dirca_works{part="directory"}'
check "one KRA is wanted and usable" is $'1\n1' metric dirca_kras_usable dirca_kras_required
check "by the hash of its certificate it is told when it ends" metric_is_between $((300 * DAY)) $((800 * DAY)) \
	"dirca_kra_certificate_left_seconds{sha1=\"$(ca_lab_sha1 "$dir/kra1.crt")\"}"
check "when the CA ends" metric_is_between $((1000 * DAY)) $((12000 * DAY)) 'dirca_certificate_left_seconds{certificate="ca"}'
check "when its exchange certificate does" metric_is_between $DAY $((31 * DAY)) 'dirca_certificate_left_seconds{certificate="exchange"}'
check "when that of TLS does" metric_is_between $((300 * DAY)) $((800 * DAY)) 'dirca_certificate_left_seconds{certificate="tls"}'
for place in ca directory; do
	check "when the CRL is old, $place" ca_lab_eventually metric_is_between $DAY $((31 * DAY)) \
		"dirca_crl_left_seconds{kind=\"base\",key=\"0\",partition=\"0\",place=\"$place\"}"
done
check "an enrollment is counted, and an archival" changes 'dirca_requests{disposition="issued"}' 1 changes dirca_archived_keys 1 archives first
check "a refusal, by its cause" changes 'dirca_refusals_total{cause="CERTSRV_E_NO_REQUEST"}' 1 \
	curl -s --max-time 60 --unix-socket "$CA_SOCKET" http://localhost/dirca/v1/requests/999999
recovers() { ca_lab_as officer1 getkey "$(sql "SELECT SerialNumber FROM Request ORDER BY RequestID DESC LIMIT 1")" "$dir/first.rec"; }
check "a recovery" changes dirca_recoveries_total 1 recovers
opens_case() { ca_lab_as officer1 case open "$(sql "SELECT SerialNumber FROM Request ORDER BY RequestID DESC LIMIT 1")" --reason damaged --ticket INC-1; }
check "a recovery case, while it is open" changes 'dirca_recovery_cases{state="open"}' 1 opens_case
signs_in() { curl -s --max-time 60 --cacert "$CA_STATE/ca.crt" "$@" "$CA_URL/dirca/v1/ca"; }
check "a failed sign-in" changes 'dirca_refusals_total{cause="DIRCA_E_AUTHENTICATION"}' 1 signs_in --basic -u user1:wrong
check "the question who it is does not count" changes 'dirca_refusals_total{cause="DIRCA_E_AUTHENTICATION"}' 0 signs_in
check "nobody's name is told" names_nobody

# ---- revoked certificates stay on the CRL, exchange keys in the vault ----
revoke() {
	sql "UPDATE Request SET Disposition = 21, RevokedReason = 1, RevokedWhen = unixepoch(), RevokedEffectiveWhen = unixepoch()
		WHERE RequestID = (SELECT max(RequestID) FROM Request) RETURNING NotAfter"
}
check "the certificate of an archived key is revoked" revoke
check "a CRL names it" ca_lab_as caadmin crl
check "once" is 1 revoked
check "ten days ahead there is a new CRL" step $((10 * DAY)) 1
check "back again there is one of today" step 0 2
check "which says so" crl_begins_in_the_past
check "the vault still has the key of before" is 2 vault_keys
check "keys are archived at once" archives second
check "ten years ahead the certificate has ended" step $((3653 * DAY)) 3
check "back again it is on the CRL" step 0 4
check "as before" is 1 revoked
check "a CRL more does not change that" ca_lab_as caadmin crl
check "and it is there" is 1 revoked
check "keys are archived" archives third
check "a day back" ca_lab_set_clock -$DAY
check "is seen" ca_lab_eventually seen 5
check "no request is refused for the age of the directory's picture" ca_lab_status .directory_fresh
check "the right time again" ca_lab_set_clock 0
check "is seen" ca_lab_eventually seen 6
check "keys are archived again" archives fourth
check "the log says by how much" logged 'event="the clock was set" seconds=864'

# ---- the certificate of the TLS service ----
served() { openssl s_client -connect "${CA_URL#https://}" -servername localhost </dev/null 2>/dev/null | openssl x509 -noout "$@"; }
serves_another_than() { local serial; serial=$(served -serial) && [ -n "$serial" ] && [ "$serial" != "$1" ]; }
serial=$(served -serial) key=$(served -pubkey)
check "a month before it ends" ca_lab_set_clock $((700 * DAY))
check "it is renewed, and served without a restart" ca_lab_eventually serves_another_than "$serial"
check "with its key" is "$key" served -pubkey
check "for two years" ca_lab_status ".service_certificate_not_after > \"$(date -u -d '+1400 days' +%F)\""
check "it is in the database" is 1 sql "SELECT count(*) FROM Request WHERE SerialNumber = '$(served -serial | sed 's/.*=//' | tr A-F a-f)'"
serial=$(served -serial)
check "back again" ca_lab_set_clock 0
check "there is one of today" ca_lab_eventually serves_another_than "$serial"
check "which clients take" curl -sf --max-time 30 --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts"
check "nothing is wrong with it" ca_lab_status '.warnings == []'

# ---- the certificate of OCSP ----
ask_ocsp() { openssl ocsp -issuer "$CA_STATE/ca.crt" -serial 0x1234 -url "$CA_HTTP_URL/ocsp" -noverify -validity_period 1000000 | grep '0x1234: revoked'; }
responders() { sql "SELECT count(*) FROM Request WHERE CertificateTemplate = 'OCSPResponseSigning'"; }
check "whoever asks by OCSP is answered" ask_ocsp
check "and again" ask_ocsp
check "by one certificate" is 1 responders
check "three days later" ca_lab_set_clock $((3 * DAY))
check "too" ask_ocsp
check "by another, before the first has ended" is 2 responders
check "back again" ca_lab_set_clock 0
check "too" ask_ocsp
check "by one of today" is 3 responders

# ---- an exchange key that is lost ----
check "an administrator has a new one made" ca_lab_as caadmin ca exchange renew
check "by his name" is 'NWTRADERS\caadmin' sql "SELECT Actor FROM Audit WHERE EventID = 791 ORDER BY RowID DESC LIMIT 1"
check "keys are archived to it" archives fifth
newest_xchg() { sql "SELECT SerialNumber FROM Request WHERE RequestFlags & 8 ORDER BY RequestID DESC LIMIT 1"; }
xchgs() { sql "SELECT count(*) FROM Request WHERE RequestFlags & 8"; }
xchgs=$(xchgs)
check "it is revoked, by a certificate manager" ca_lab_as officer1 revoke "$(newest_xchg)" --reason keyCompromise
check "another is there at once, though older ones would do" is $((xchgs + 1)) xchgs
check "keys are archived to it" archives revoked
check "one that is no longer handed out is revoked" ca_lab_as officer1 revoke \
	"$(sql "SELECT SerialNumber FROM Request WHERE RequestFlags & 8 AND Disposition = 20 ORDER BY RequestID LIMIT 1")"
check "and needs none in its place" is $((xchgs + 1)) xchgs
lose_keys() {
	ca_lab_dircad_stop && rm -f "$CA_STATE"/vault/xchg-*.key && ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready
}
check "without any of its keys the CA starts" lose_keys
check "and archives to a new one" archives sixth

# ---- files ----
warns() { ca_lab_status "[.warnings[] | select(contains(\"$1\"))] | length > 0"; }
keep() { rm -rf "$dir/old" && mkdir "$dir/old" && sqlite3 "$CA_STATE/dirca.db" ".backup $dir/old/dirca.db" && cp -a "$CA_STATE/vault" "$dir/old/"; }
old() { # NAME...
	local name
	ca_lab_dircad_stop || return 1
	for name; do
		rm -rf "${CA_STATE:?}/$name" "$CA_STATE/$name"-* && cp -a "$dir/old/$name" "$CA_STATE/" || return 1
	done
	ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready
}
published_number() { ca_lab_as caadmin viewstore CDP | sed -n 's/.*CRL \([0-9]*\) .*/\1/p'; }
published_after() { [ "$(published_number)" -gt "$1" ]; }
crls() { ca_lab_as caadmin crl && ca_lab_as caadmin crl && ca_lab_as caadmin crl; }

check "a second dircad is refused" ca_lab_refuses_to_start 'another dircad runs on it'
check "a copy is kept" keep
check "CRLs are made" crls
number=$((16#$(crl_number)))
check "and published" ca_lab_eventually published_after $((number - 1))
check "database and vault are restored" old dirca.db vault
check "which the CRL in the directory tells" ca_lab_eventually warns "the directory has CRL $number, and the database knows"
check "it is not replaced by an older one" published_after $((number - 1))
check "but, in its time, by a newer one" ca_lab_eventually crl_is_newer_than "$(printf %X "$number")"
check "in the directory too" ca_lab_eventually published_after "$number"
check "the log says it" logged 'event="restored from an older copy"'
check "the database alone is restored" old dirca.db
check "which the vault tells" warns 'the vault has signed CRL'
check "and the number goes on" ca_lab_eventually crl_is_newer_than "$(printf %X $((number + 1)))"
check "the vault alone is restored" old vault
check "which the database tells" warns 'journal has'
check "keys are archived" archives seventh
lose_database() { ca_lab_dircad_stop && mv "$CA_STATE/dirca.db" "$dir/lost.db" && rm -f "$CA_STATE"/dirca.db-*; }
check "without its database" lose_database
check "the CA does not start" ca_lab_refuses_to_start 'there is none'
check "nor does ca init make another" refuses DIRCA_E_DATABASE "$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF"
check "none is made" test ! -e "$CA_STATE/dirca.db"
check "with it" mv "$dir/lost.db" "$CA_STATE/dirca.db"
check "it starts" ca_lab_dircad_start

# ---- processes ----
# Another CA whose start cannot succeed, beside the others: its database is lost.
hopeless() {
	local port
	port=$(lab_free_port) && mkdir "$dir/hopeless" && cp -a "$CA_STATE"/{ca.crt,tls.crt,tls.key,vault,kra,trust} "$dir/hopeless/" &&
		sed "s|^state_dir = .*|state_dir = $dir/hopeless|; s|^listen = .*|listen = 127.0.0.1:$port|; /^http_listen/d; /^metrics_listen/d; /^socket/d" \
			"$DIRCAD_CONF" >"$dir/hopeless.conf" || return 1
	"$DIRCA_BIN/dircad" -c "$dir/hopeless.conf" >"$dir/hopeless.log" 2>&1 &
	echo $! >"$dir/hopeless.pid" && echo "$port" >"$dir/hopeless.port"
}
hopeless_ends() { # with status 1, and says so
	local status
	wait "$(<"$dir/hopeless.pid")"
	status=$?
	[ $status -eq 1 ] && grep 'the CA could not be started.*tries=6' "$dir/hopeless.log"
}
nobody_listens() { # curl says 7 where the connection is refused
	local status
	grep -q 'the CA cannot start' "$dir/hopeless.log" || return 1
	curl -s --max-time 30 "https://127.0.0.1:$(<"$dir/hopeless.port")/"
	status=$?
	[ $status -eq 7 ]
}
process() { ps -o pid=,args= --ppid "$(<"$dir/dircad.pid")" | awk -v role="--role=$1" 'index($0, role) { print $1 }'; }
stop_process() { kill -STOP "$(process "$1")"; }
silent() { [ "$(grep -cF 'a process does not answer' "$dir/dircad.log")" -ge "$1" ]; }
back() { ca_lab_eventually silent "$1" && ca_lab_eventually ca_lab_is_ready; }
get() { curl -sf --max-time 30 --cacert "$CA_STATE/ca.crt" "$@"; }
status_by_root() { get --unix-socket "$CA_SOCKET" http://localhost/dirca/v1/ca | jq -e "$1"; }
crl_is_served() { crl -crlnumber; }
cacerts_are_served() { get "$CA_URL/.well-known/est/cacerts"; }
# Requests for keys that wait for the vault, more than there are workers.
waiting() {
	local i
	for ((i = 0; i < 12; i++)); do
		curl -s --max-time 30 --unix-socket "$CA_SOCKET" -X POST -H 'Content-Type: application/json' \
			http://localhost/dirca/v1/crl >/dev/null &
	done
}
# With a vault that hangs, and what `kra add` has it told.
ends() {
	local pid
	pid=$(<"$dir/dircad.pid")
	stop_process vault && kill -HUP "$pid" && sleep 1 && kill -TERM "$pid" || return 1
	timeout 60 tail --pid="$pid" -f /dev/null && rm -f "$dir/dircad.pid"
}
tests_with() { cat "$DIRCAD_CONF" - <<<"$1" >"$dir/test.conf" && "$DIRCA_BIN/dircad" -t -c "$dir/test.conf"; }
checks_what_it_names() {
	refuses "there is no user 'no-such-user'" tests_with 'vault_user = no-such-user' &&
		refuses /no/such/keytab tests_with 'keytab = /no/such/keytab' && tests_with '# nothing more'
}
listen_as_systemd() {
	python3 - "$dir/notify" >"$dir/notified" 2>&1 <<-'END' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		s.settimeout(120)
		while True:
		    text = s.recv(4096).decode()
		    print(text, flush=True)
		    if 'STOPPING=1' in text:
		        break
	END
	export NOTIFY_SOCKET=$dir/notify
	ca_lab_eventually test -S "$dir/notify"
}
notified() { grep -x "$1" "$dir/notified"; }

check "dircad -t looks for users and files" checks_what_it_names
check "a start that cannot succeed" hopeless
check "listens to nobody" ca_lab_eventually nobody_listens
started=$(metric dirca_start_time_seconds)
check "the vault hangs" stop_process vault
check "while many wait for it" waiting
check "the CRL is served" crl_is_served
check "and CA certificates" cacerts_are_served
check "and the status" ca_lab_status .name
check "it is started again" back 1
started_after() { [ "$(metric dirca_start_time_seconds)" -gt "$1" ]; }
check "which the time of the start tells" started_after "$started"
check "keys are archived" archives eighth
check "the front hangs" stop_process front
check "it is started again too" back 2
check "keys are archived as before" archives ninth
check "a vault that hangs does not keep dircad from ending" ends
check "the directory is away" ca_lab_directory_stop
check "systemd listens" listen_as_systemd
check "dircad starts" ca_lab_dircad_start
check "systemd is told" ca_lab_eventually notified READY=1
check "and that it lives" ca_lab_eventually notified WATCHDOG=1
check "the CRL is served without a directory" crl_is_served
check "and CA certificates" cacerts_are_served
check "and root is told the status" status_by_root '.directory_fresh == false'
check "and who watches, what is away" is $'directory: what the CA knows of the directory is older than 60 seconds; the log says why\n503 text/plain; charset=utf-8' \
	watched "$METRICS_URL/healthz"
check "and nothing else is" is $'1\n1\n0' metric 'dirca_works{part="database"}' 'dirca_works{part="vault"}' 'dirca_works{part="directory"}'
check "the directory is there again" ca_lab_directory_start
check "and all works" ca_lab_eventually ca_lab_is_ready
check "keys are archived now" archives tenth
check "the start that could not succeed ended" hopeless_ends
check "dircad ends" ca_lab_dircad_stop
check "which systemd is told" ca_lab_eventually notified STOPPING=1

checks_end
