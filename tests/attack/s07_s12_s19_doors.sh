#!/usr/bin/env bash
# S7: silent connections at one door shut out another. S12: a front without descriptors spins and fills the disk with its log.
# S19: a request that two programs read differently.
# usage: s07_s12_s19_doors.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
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

# The CRL, HTTPS and the Unix socket. A door that is shut is so until the silent go, idle_timeout_s after they came; others come then.
# A Unix socket whose queue is full at the moment says so at once: whoever knocks again is let in.
door_answers() {
	local last=$((SECONDS + 25))
	until curl -sSf -o "$dir/answer" --max-time 25 "$@"; do
		[ "$SECONDS" -lt "$last" ] || return 1
		sleep 0.1
	done
}
all_doors_answer() {
	door_answers "$CA_HTTP_URL/dirca/$CA_NAME.crl" && door_answers --cacert "$CA_STATE/ca.crt" "$CA_URL/.well-known/est/cacerts" &&
		door_answers --unix-socket "$CA_SOCKET" http://localhost/dirca/v1/ca
}

# flooded WHERE COUNT ADDRESSES: all doors answer while many_connections.py floods it.
flooded() {
	local status=0
	# Not by way of many(): the shell that runs a function would be killed, and its child go on.
	/usr/bin/python3 "$here/many_connections.py" flood "$@" 600 >"$dir/flood" &
	ca_lab_eventually grep -q . "$dir/flood" || status=1
	for _ in 1 2 3; do
		all_doors_answer || status=1
	done
	kill $!
	wait $! 2>/dev/null
	return $status
}

log_size() {
	stat -c %s "$dir/dircad.log"
}

# How many bytes the log grows by.
log_grows_less_than() {
	local most=$1 before
	shift
	before=$(log_size)
	"$@"
	echo "the log grew by $(($(log_size) - before)) bytes"
	[ $(($(log_size) - before)) -lt "$most" ]
}

# Nothing is left of what the front may open, and everybody knocks.
without_descriptors() {
	prlimit --pid "$(ca_lab_child front)" --nofile=60:60 && many flood "${CA_URL##*:}" 200 20 5
}

refuses_few_descriptors() {
	(
		ulimit -n 200
		ca_lab_refuses_to_start 'max_connections to 72 at most'
	)
}

check "a CA starts" ca_lab_start "$dir"
check "control: all doors answer" all_doors_answer
check "attack: requests with two ends" /usr/bin/python3 "$here/framing.py" "$CA_URL" "$CA_STATE/ca.crt"
check "attack: 1400 silent connections for the CRL" log_grows_less_than 100000 flooded "${CA_HTTP_URL##*:}" 1400 1
check "all doors answer afterwards" all_doors_answer
check "attack: 1400 of one address for HTTPS" flooded "${CA_URL##*:}" 1400 1
check "attack: 1400 of 700 addresses for HTTPS" flooded "${CA_URL##*:}" 1400 700
check "attack: 400 of one user at the Unix socket" flooded "$CA_SOCKET" 400 0
check "attack: no descriptors" log_grows_less_than 100000 without_descriptors
check "the log says so" grep -q 'event="listener paused"' "$dir/dircad.log"
check "all doors answer again" all_doors_answer
check "the end is in good order" ca_lab_dircad_stop
check "too few descriptors for the configuration are refused" refuses_few_descriptors
checks_end
