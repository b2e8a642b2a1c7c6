#!/usr/bin/env bash
# A change in the directory is in force within 2 s, without a restart and without holding requests up: template, its rights, KRA,
# enrollment service, officer rights. usage: watch.sh syncrepl|polling|notification
# Polling: slapd without its syncprov overlay, or DIRECTORY=389ds without its plug-ins (DS389_LAB_PLUGINS=). Notification: Samba.
# Status 77 where none can run. Where it is not polling, refresh_s is 30, so that only the watch can be that fast.
# Prints the milliseconds from each change to the CA's acting on it.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

how=${1:?syncrepl, polling or notification}
mech=$CA_LAB_MECH_DEFAULT by='syncrepl refreshAndPersist' refresh_s=30 changes=200 slow_ms=1000
case $how in
polling)
	by=polling refresh_s=1
	;;
notification)
	# A Samba of one process, which needs a sixth of a second for a change, in which it answers nobody.
	DIRECTORY=samba mech=basic by='change notification' changes=20 slow_ms=2000
	! samba_lab_missing || exit 77
	;;
esac
[ "$DIRECTORY" != 389ds ] || ! ds389_lab_missing || exit 77
dir=$(mktemp -d /tmp/dirca-watch.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

MOST_MS=2000
# Between two reloads, at least (ca/service/housekeeper.c).
GAP_MS=100
export CA_LAB_OPTIONS="log_level = debug
"

# change DN ATTRIBUTE LINE...: replaces the attribute by the lines, or deletes it if there is none.
change() {
	local dn=$1 attribute=$2
	shift 2
	{
		printf 'dn: %s\nchangetype: modify\nreplace: %s\n' "$dn" "$attribute"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} | lab_modify
}

# The CA's status, over the local socket: the cheapest way to see what is in force.
status() {
	curl -sf --max-time 30 --unix-socket "$CA_SOCKET" http://localhost/dirca/v1/ca >"$dir/status" && jq -e "$1" "$dir/status"
}

# post USER PATH FILE: the error code that the CA answers, "ok" for none.
post() {
	local answer
	answer=$(curl -sS --max-time 30 -o "$dir/answer" -D - --cacert "$CA_STATE/ca.crt" -u "$1:$(<"$(lab_password_file "$1")")" \
		-H 'Content-Type: application/octet-stream' --data-binary "@$3" "$CA_URL$2") || return 1
	grep -q '^Dirca-Error' <<<"$answer" || { echo ok; return 0; }
	sed -n 's/^Dirca-Error: 0x[0-9A-F]* \([A-Z_a-z0-9]*\).*/\1/p' <<<"$answer"
}

answers() {
	local want=$1 got
	shift
	got=$(post "$@") && [ "$got" = "$want" ]
}

# Each time with a new request: the same one again would be answered with what became of it.
enrolls() {
	openssl req -new -key "$dir/key.pem" -subj "/CN=$((++requests))" -outform DER -out "$dir/request.der" &&
		answers "$1" user1 /.well-known/est/User/simpleenroll "$dir/request.der"
}
recovers() { answers "$1" officer1 /dirca/v1/recovery-blobs "$dir/serial.json"; }

# in_force NAME COMMAND...: it was not so before the change that the function `the_change` makes, and is within MOST_MS after it.
in_force() {
	local name=$1 begun status=0
	shift
	if "$@" >/dev/null; then
		echo "it is so before the change"
		return 1
	fi
	the_change || return 1
	begun=$(now_ms)
	soon "$MOST_MS" "$@" >/dev/null || status=1
	echo "$how: $name: $(($(now_ms) - begun)) ms" | tee -a "$dir/times"
	return $status
}

# changed NAME CHANGE -- COMMAND...: a check of in_force.
changed() {
	local name=$1 words=()
	shift
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	the_change() { "${words[@]}"; }
	check "$name" in_force "$name" "$@"
}

# dircad follows the directory, and by the way that this run is about.
follows() {
	grep 'event="watching the directory"' "$dir/dircad.log" | tail -1 | grep "by=\"$by\""
}

# The CA anew with this run's refresh_s. It answers before the watcher is there.
restart() {
	ca_lab_dircad_stop && sed -i "s/^refresh_s = .*/refresh_s = $refresh_s/" "$DIRCAD_CONF" && ca_lab_dircad_start &&
		ca_lab_eventually follows
}

archive_a_key() {
	ca_lab_enroll user1 EFSArchive "$dir/user1.pfx" >"$dir/enrolled.json" &&
		jq -n --arg s "$(ca_lab_serial_of "$dir/user1.pfx")" '{serial: ($s | ascii_downcase)}' >"$dir/serial.json" && recovers ok
}

delete_kra() {
	printf 'dn: %s\nchangetype: delete\n' "$kra" | lab_modify
}

publish_kra() {
	ca_lab_as caadmin kra publish "$dir/kra1.crt" >/dev/null
}

reloads() {
	grep -c 'directory read' "$dir/dircad.log"
}

# Many changes in a row: few reloads, the last change in force in time, and nobody waits.
burst() {
	local before slowest=0 start begun quiet took writer i reloads most
	before=$(reloads) start=$(now_ms)
	for ((i = 1; i <= changes; i++)); do
		printf 'dn: %s\nchangetype: modify\nreplace: displayName\ndisplayName: %d\n\n' "$template" "$i"
	done >"$dir/burst.ldif"
	printf 'dn: %s\nchangetype: modify\nadd: certificateTemplates\ncertificateTemplates: Burst\n\n' "$service" >>"$dir/burst.ldif"
	lab_modify <"$dir/burst.ldif" >/dev/null &
	writer=$!
	while kill -0 "$writer" 2>/dev/null; do
		quiet=$(quiet_ms)
		status .name >/dev/null || return 1
		took=$(($(quiet_ms) - quiet))
		[ "$took" -le "$slowest" ] || slowest=$took
	done
	wait "$writer" || return 1
	begun=$(now_ms)
	soon "$MOST_MS" status '.templates | index("Burst")' >/dev/null || return 1
	reloads=$(($(reloads) - before)) took=$(($(now_ms) - start))
	most=$((2 + took / GAP_MS))
	echo "$how: $changes changes in $((begun - start)) ms: $reloads reloads, slowest answer $slowest ms" |
		tee -a "$dir/times"
	[ "$reloads" -le "$most" ] && [ "$slowest" -lt "$slow_ms" ]
}

# The watching thread waits on a silent connection.
stops_promptly() {
	local begun
	begun=$(quiet_ms)
	ca_lab_dircad_stop && [ $(($(quiet_ms) - begun)) -le 3000 ]
}

# curl signs in by a password alone, which is bound to no channel; the lab says so itself where its clients do the same.
[ "$mech" = basic ] || CA_LAB_OPTIONS+=$'channel_binding = off\n'
check "a CA" ca_lab_start "$dir" "$mech"
[ "$CHECKS_BAD" -eq 0 ] && check "one KRA" ca_lab_kras 1
check "an archived key" archive_a_key
[ "$how-$DIRECTORY" != polling-openldap ] || check "slapd without syncprov" lab_without_syncprov "$dir"
check "the CA with refresh_s = $refresh_s, watching by $how" restart
check "the log names the ways of working" grep -E 'event="directory" uri=.*vendor=.*groups=.*descriptors=.*watching=' "$dir/dircad.log"

services="CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
service="CN=$CA_NAME,CN=Enrollment Services,$services"
template="CN=User,CN=Certificate Templates,$services"
kra="CN=$CA_NAME,CN=KRA,$services"
# D:P(A;;RPLCLORC;;;AU): everybody may read, and nobody enroll or be acted for.
no_access=$(printf '\x01\x00\x04\x90\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0\x02\0\x1c\0\x01\0\0\0\0\0\x14\0\x94\0\x02\0\x01\x01\0\0\0\0\0\x05\x0b\0\0\0' | base64 -w 0)
openssl genrsa -out "$dir/key.pem" 2048 2>/dev/null
requests=0
# value_of DN ATTRIBUTE: its line of LDIF. The control keeps the SACL out of a descriptor.
value_of() {
	lab_admin ldapsearch -LLL -o ldif_wrap=no -E 1.2.840.113556.1.4.801=::MAMCAQc= -s base -b "$1" "$2" | grep "^$2:"
}
sd=$(value_of "$template" nTSecurityDescriptor)
officers=$(value_of "$service" dircaOfficerRights)

changed "a template is added to the enrollment service" \
	lab_modify <<<"dn: $service
changetype: modify
add: certificateTemplates
certificateTemplates: ClientAuth" -- status '.templates | index("ClientAuth")'
check "user1 may enroll for User" enrolls ok
changed "the template wants longer keys" \
	change "$template" msPKI-Minimal-Key-Size 'msPKI-Minimal-Key-Size: 4096' -- enrolls CERTSRV_E_KEY_LENGTH
changed "and shorter ones again" change "$template" msPKI-Minimal-Key-Size 'msPKI-Minimal-Key-Size: 2048' -- enrolls ok
changed "its rights allow nobody" \
	change "$template" nTSecurityDescriptor "nTSecurityDescriptor:: $no_access" -- enrolls CERTSRV_E_TEMPLATE_DENIED
changed "and user1 again" change "$template" nTSecurityDescriptor "$sd" -- enrolls ok
changed "the officer may act for nobody" \
	change "$service" dircaOfficerRights "dircaOfficerRights:: $no_access" -- recovers CERTSRV_E_RESTRICTEDOFFICER
changed "and for everybody again" change "$service" dircaOfficerRights "$officers" -- recovers ok
changed "the KRA's object is deleted" delete_kra -- status '.kras[0].published | not'
changed "and published again" publish_kra -- status '.kras[0].published'
check "a burst of changes" burst
check "dircad stops promptly" stops_promptly
cat "$dir/times"
checks_end
