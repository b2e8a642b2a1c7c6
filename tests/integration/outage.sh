#!/usr/bin/env bash
# The directory killed, hung, slow and with a wrong certificate: what clients of the CA see, for how long, and how soon it is over.
# The CA reaches slapd by two proxies, its two URIs; clients reach it directly. usage: outage.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-outage.XXXXXX)
finish() {
	hand CONT a b
	proxy_stop a
	proxy_stop b
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

TIMEOUT_MS=1500 # of dircad at the directory

# within MS COMMAND...: it succeeds in that time.
within() {
	local most=$1 begun took
	shift
	begun=$(quiet_ms)
	"$@" || return 1
	took=$(($(quiet_ms) - begun))
	echo "took $took ms"
	[ "$took" -le "$most" ]
}

# back_within MS COMMAND...: it succeeds at last.
back_within() {
	local begun name=${CHECK_NAME:-}
	begun=$(now_ms)
	soon "$@" || return 1
	echo "$name: $(($(now_ms) - begun)) ms" >>"$dir/times"
}

# timed_check NAME COMMAND...: back_within notes NAME.
timed_check() {
	CHECK_NAME=$1
	check "$@"
}

# ---- the two ways to slapd ----

proxy_start() {
	"$here/../support/slow_proxy.py" "$(<"$dir/$1.port")" "${LDAPS_URI##*:}" "$dir/delay" </dev/null >>"$dir/$1.log" 2>&1 &
	echo $! >"$dir/$1.pid"
	lab_answers $! bash -c ": </dev/tcp/127.0.0.1/$(<"$dir/$1.port")"
}

proxy_stop() {
	lab_end "$dir/$1.pid" KILL 2>/dev/null
}

# hand SIGNAL PROXY...
hand() {
	local signal=$1 name
	shift
	for name; do
		[ ! -f "$dir/$name.pid" ] || kill "-$signal" "$(<"$dir/$name.pid")"
	done
}

proxies() {
	local name uris=
	for name in a b; do
		lab_free_port >"$dir/$name.port" && proxy_start "$name" || return 1
		uris="$uris ldaps://localhost:$(<"$dir/$name.port")"
	done
	ca_lab_dircad_stop && sed -i "s|^dir_uris = .*|dir_uris =$uris|; s/^refresh_s = .*/refresh_s = 30/" "$DIRCAD_CONF" &&
		ca_lab_dircad_start && ca_lab_eventually grep -q 'watching the directory' "$dir/dircad.log"
}

# ---- what clients do ----

status() { ca_lab_as caadmin ca status --json; }
enroll() { ca_lab_as user1 enroll User --json --out "$dir/new$BASHPID.pfx" --out-password-file "$(ca_lab_pass)"; }
getkey() { ca_lab_as officer1 getkey user1@nwtraders.com --json; }
# Without the directory's help to find the CA: plain HTTP clients.
crl() { curl -sf --max-time 20 -o "$dir/crl" "$CA_HTTP_URL/dirca/$CA_NAME.crl" && openssl crl -inform DER -in "$dir/crl" -noout; }
cacerts() { curl -sf --max-time 20 --cacert "$CA_STATE/ca.crt" -o "$dir/cacerts" "$CA_URL/.well-known/est/cacerts"; }
# asks AUTHORIZATION CODE: status and code of an answer that needs to know who asks.
asks() {
	local answer
	answer=$(curl -sS --max-time 20 -D - --cacert "$CA_STATE/ca.crt" -H "Authorization: $1" "$CA_URL/dirca/v1/ca") || return 1
	echo "$answer"
	if [ "$2" = ok ]; then
		[[ $answer == HTTP/1.1\ 200* ]]
	else
		[[ $answer == HTTP/1.1\ 503* && $answer == *"$2"* ]]
	fi
}
basic="Basic $(printf 'caadmin:caadmin-Passw0rd' | base64)"
scram="SCRAM-SHA-256 data=$(printf 'n,,n=caadmin,r=fyko+d2lbbFgONRv9qkxdawL' | base64)"

# fails CODE SENTENCE COMMAND...: exit status 1, and both on stderr.
fails() {
	local code=$1 sentence=$2 got=0 text
	shift 2
	text=$("$@" 2>&1) || got=$?
	echo "$1: exit status $got: $text"
	[ "$got" -eq 1 ] && [[ $text == *"$sentence"* && $text == *"$code"* ]]
}

# each_fails MS CODE SENTENCE: enroll, getkey and ca status do, side by side.
each_fails() {
	local most=$1 begun took bad=0 verb jobs=()
	shift
	begun=$(quiet_ms)
	for verb in enroll getkey status; do
		fails "$@" "$verb" >"$dir/$verb.out" &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		wait "$job" || bad=1
	done
	cat "$dir"/{enroll,getkey,status}.out
	took=$(($(quiet_ms) - begun))
	echo "took $took ms"
	[ $bad -eq 0 ] && [ "$took" -le "$most" ]
}

# What needs no directory goes on, at once.
goes_on() {
	within 500 crl && within 500 cacerts
}

# Whoever asks while the directory is known to be away is not held up.
nobody_waits() {
	local i begun slowest=0 held=0 took
	for ((i = 0; i < 8; i++)); do
		begun=$(quiet_ms)
		asks "$basic" DIRCA_E_DIRECTORY_UNAVAILABLE >/dev/null || return 1
		took=$(($(quiet_ms) - begun))
		[ "$took" -le "$slowest" ] || slowest=$took
		[ "$took" -lt 200 ] || held=$((held + 1))
	done
	echo "slowest $slowest ms, $held were held up"
	# One of them may be the one that finds out that nothing has changed, at both URIs.
	[ "$held" -le 1 ] && [ "$slowest" -le $((2 * TIMEOUT_MS + 500)) ]
}

away="the CA cannot ask the directory who the caller is"
unavailable=DIRCA_E_DIRECTORY_UNAVAILABLE

works() { status >/dev/null && asks "$basic" ok >/dev/null; }

logged_since() {
	tail -c "+$1" "$dir/dircad.log" | grep -E "$2"
}

log_size() {
	stat -c %s "$dir/dircad.log"
}

echo 0 >"$dir/delay"
export CA_LAB_OPTIONS="dir_timeout_ms = $TIMEOUT_MS
"
check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "one KRA" ca_lab_kras 1
check "an archived key" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "two ways to the directory" proxies
check "everything works" ca_lab_eventually works
service="CN=$CA_NAME,CN=Enrollment Services,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"

# ---- killed ----
size=$(log_size)
proxy_stop a
check "one of two is killed: nobody notices" within 1500 works
proxy_stop b
check "both are killed: clients are told by the CA" each_fails 3000 $unavailable "$away"
check "over HTTP it is 503, with Basic" asks "$basic" $unavailable
check "and with SCRAM" asks "$scram" $unavailable
check "nobody waits" nobody_waits
check "CRL and CA certificate are served" goes_on
check "the log says why" ca_lab_eventually logged_since "$size" "changes are not seen.*(no server listens on port|Can't contact)"
proxy_start a && proxy_start b
timed_check "killed and started again" back_within 7000 works

lab_slapd_kill "$dir"
check "slapd itself is killed: clients are told by their own directory search" \
	each_fails 3000 $unavailable "cannot use the directory: $LDAPS_URI cannot be reached: "
check "CRL and CA certificate are served" goes_on
lab_slapd_start "$dir"
timed_check "slapd killed and started again" back_within 7000 works

# ---- hung ----
hung_then_other() {
	local uri
	uri=$(grep -o 'event="directory" uri="[^"]*' "$dir/dircad.log" | tail -1)
	if [[ $uri == *:$(<"$dir/a.port") ]]; then
		first=a
	else
		first=b
	fi
	hand STOP $first
	works
}
check "the one in use hangs: one timeout, once" within $((TIMEOUT_MS * 3)) hung_then_other
check "then the other is used" within $((TIMEOUT_MS - 100)) works
ca_lists() {
	status | jq -e '.templates | index("ClientAuth")'
}
printf 'dn: %s\nchangetype: modify\nadd: certificateTemplates\ncertificateTemplates: ClientAuth\n' "$service" |
	ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" >/dev/null
timed_check "a change after the fail-over is in force" back_within 2000 ca_lists
hand STOP a b
check "both hang: clients are told" each_fails $((TIMEOUT_MS * 4 + 1500)) $unavailable "$away"
check "nobody waits" nobody_waits
check "CRL and CA certificate are served" goes_on
hand CONT a b
timed_check "hung and going on" back_within 7000 works

# ---- slow ----
echo 0.1 >"$dir/delay"
check "slow: it works" within 9000 works
echo 2 >"$dir/delay"
check "slower than the limit: clients are told" each_fails $((TIMEOUT_MS * 4 + 1500)) $unavailable "$away"
check "CRL and CA certificate are served" goes_on
echo 0 >"$dir/delay"
timed_check "slow and fast again" back_within 7000 works

# ---- wrong certificate ----
check "certificates" lab_make_bad_certificates "$dir"
for kind in expired elsewhere stranger; do
	size=$(log_size)
	check "slapd with a certificate: $kind" lab_serve_certificate "$dir" $kind
	check "$kind: clients refuse the directory" each_fails 3000 $unavailable "TLS handshake"
	check "$kind: so does the CA" asks "$basic" $unavailable
	check "$kind: and logs it" ca_lab_eventually logged_since "$size" "changes are not seen.*TLS handshake"
	check "$kind: CRL and CA certificate are served" goes_on
	check "slapd with its own certificate" lab_serve_certificate "$dir" good
	timed_check "$kind, and the right certificate again" back_within 7000 works
	check "and changes are seen again" ca_lab_eventually logged_since "$size" 'watching the directory'
done
cat "$dir/times"
checks_end
