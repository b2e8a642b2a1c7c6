#!/usr/bin/env bash
# What the service bears from clients that are slow, many, wrong or gone, and how it ends.
# usage: http_limits.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
# Kerberos forgets memory of its own when there is no keytab, and the vault's sandbox forbids looking for such.
export ASAN_OPTIONS=detect_leaks=0
here=$(cd "$(dirname "$0")" && pwd)
CA_LAB_OPTIONS='max_connections = 24
workers = 2
max_request = 65536
'
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-limits.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
CA_LAB_DIR=$dir

# client CHECK [ARGUMENT...]: over HTTPS, or over $url.
client() {
	local what=$1
	shift
	/usr/bin/python3 "$here/../support/http_limits_client.py" "$what" "${url:-$CA_URL}" "$CA_STATE/ca.crt" "$@"
}
client_plain() { url=$CA_HTTP_URL client "$@"; }
client_local() { url=unix://$CA_SOCKET client "$@"; }

ends_with_status_0() {
	local pid status
	pid=$(<"$dir/dircad.pid")
	wait "$pid"
	status=$?
	[ "$status" -eq 0 ] || { echo "status $status"; return 1; }
	[ ! -e "$CA_STATE/dircad.pid" ] && [ ! -e "$CA_SOCKET" ]
}

no_sanitizer_spoke() {
	! grep -E 'AddressSanitizer|LeakSanitizer|runtime error' "$dir/dircad.log"
}

check "a CA starts" ca_lab_start "$dir"
password=$(<"$(lab_password_file user1)")

check "an unknown route is 404" client gives GET /nothing 404
check "a known route's wrong method is 405" client gives DELETE /dirca/v1/ca 405
check "a wrong method of another kind too" client gives PUT /dirca/v1/requests 405
check "without credentials: 401 and four challenges" client challenges
check "malformed credentials are refused" client strange_credentials user1
check "credentials are the connection's" client credentials_are_the_connections user1 "$password"
check "five failures close the connection" client five_failures user2
check "TLS 1.1 is refused" client no_old_tls
check "a header over the limit is refused" client header_too_large
check "a body over the limit is refused" client body_too_large
check "HEAD gives what GET gives but the body" client head_is_get_without_body /.well-known/est/cacerts

check "plain HTTP serves the CRL" client_plain gives GET "/dirca/$CA_NAME.crl" 200
check "and the CA certificate" client_plain gives GET "/dirca/$CA_NAME.crt" 200
check "HEAD of it" client_plain head_is_get_without_body "/dirca/$CA_NAME.crt"
check "no other file" client_plain gives GET /dirca/other.crl 404
for path in /dirca/v1/ca /dirca/v1/requests /dirca/v1/exchange-certificate /.well-known/est/cacerts; do
	check "not $path" client_plain gives GET "$path" 404
done
check "no enrollment over plain HTTP" client_plain gives POST /.well-known/est/fullcmc 404

check "over the limit the oldest one goes" client over_the_limit 7
check "clients that leave do no harm" client churn user1 "$password"
check "clients that leave the plain listener" client_plain gives GET "/dirca/$CA_NAME.crt" 200

check "SIGHUP under load loses nothing" client load user1 "$password" 1 "$(<"$dir/dircad.pid")" 4
check "SIGTERM under load loses no answer" client load user1 "$password" 15 "$(<"$dir/dircad.pid")" 1
check "SIGTERM ends with status 0" ends_with_status_0
rm -f "$dir/dircad.pid"

# ---- who says too little
echo "idle_timeout_s = 3" >>"$DIRCAD_CONF"
check "a CA that waits three seconds" ca_lab_dircad_start
side_by_side() { # COMMAND...: one for each way to the CA
	local way status=0 ways=()
	for way in client client_plain client_local; do
		"$way" "$@" &
		ways+=($!)
	done
	for way in "${ways[@]}"; do wait "$way" || status=1; done
	return $status
}
check "a slow client is closed, over HTTPS, plain HTTP and at the socket" side_by_side drip 3
check "so is one that says nothing, without a TLS handshake" side_by_side silent 3
check "no sanitizer spoke" no_sanitizer_spoke

checks_end
