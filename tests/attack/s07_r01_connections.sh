#!/usr/bin/env bash
# R1: thousands of silent connections end at their deadline, and the front with them. For the sanitizer build.
# usage: s07_r01_connections.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
CA_LAB_OPTIONS='idle_timeout_s = 2
max_connections = 5000
'
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
ulimit -Sn 8192 || exit 1

dir=$(mktemp -d /tmp/dirca-s07.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

many() {
	/usr/bin/python3 "$here/many_connections.py" "$@"
}

no_process_died() {
	! grep -E 'a process died|did not end in good order|AddressSanitizer|runtime error' "$dir/dircad.log"
}

# Clients go away while the service ends.
stops_under_load() {
	many silent "${CA_URL##*:}" 900 50 90 &
	sleep 1
	ca_lab_dircad_stop
	local status=$?
	wait $!
	return $status
}

check "a CA starts" ca_lab_start "$dir"
for round in 1 2 3; do
	check "attack: 3000 silent connections, $round" many silent "${CA_URL##*:}" 3000 1000 90
	check "control: requests are answered" ca_lab_as caadmin ca status
	check "no process died" no_process_died
done
check "attack: 900 silent connections at the end" stops_under_load
check "the end is in good order" no_process_died
checks_end
