#!/usr/bin/env bash
# Base, delta and partitioned CRLs, read by OpenSSL, GnuTLS and Java. usage: revocation.sh
# shellcheck disable=SC2317,SC2016 # the functions are called through check; eval expands
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-revocation.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

admin() { ca_lab_as caadmin "$@"; }
officer() { ca_lab_as officer1 "$@"; }
query() { sqlite3 "$CA_STATE/dirca.db" "$1"; }

# enroll NAME USER: $dir/NAME.pem, and its serial number in $dir/NAME.serial
enroll() {
	ca_lab_enroll "$2" User "$dir/$1.pfx" --key p256 >/dev/null && ca_lab_certificate_of "$dir/$1.pfx" >"$dir/$1.pem" &&
		ca_lab_serial_of "$dir/$1.pem" >"$dir/$1.serial"
}
serial() { cat "$dir/$1.serial"; }

# fetch SUFFIX FILE: the list that is served, as PEM; the directory has the same, behind LDAP's attribute.
fetch() {
	curl -sS -f -o "$dir/$2.der" "$CA_HTTP_URL/dirca/$(ca_lab_in_url "$CA_NAME$1").crl" &&
		openssl crl -inform DER -in "$dir/$2.der" -CAfile "$CA_STATE/ca.crt" -out "$dir/$2"
}
in_directory() { # SUFFIX ATTRIBUTE FILE
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=CDP,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" "(cn=$CA_NAME$1)" "$2" |
		sed -n "s/^$2[^:]*:: //p" | base64 -d | cmp - "$dir/$3.der"
}
# shows FILE WORDS...: in this order
shows() {
	local text words
	text=$(openssl crl -in "$dir/$1" -noout -text) || return 1
	echo "$text"
	shift
	for words; do
		[[ $text == *"$words"* ]] || { echo "without: $words"; return 1; }
		text=${text#*"$words"}
	done
}
# verdict NAME CRL...: what openssl verify says of the certificate by these lists, and of the CA's own; by a partition's alone
# of the certificate only
verdict() {
	local name=$1 crls=() all=-crl_check_all
	shift
	[[ $1 != part* ]] || all=-crl_check
	for crl; do crls+=(-CRLfile "$dir/$crl"); done
	openssl verify "$all" -use_deltas -extended_crl -CAfile "$CA_STATE/ca.crt" "${crls[@]}" "$dir/$name.pem"
}
good() { verdict "$@"; }
revoked() { refuses "certificate revoked" verdict "$@"; }

METRICS_URL=http://127.0.0.1:$(lab_free_port)
CA_LAB_OPTIONS="metrics_listen = ${METRICS_URL#http://}
"
# left KIND PARTITION PLACE: how many seconds, as whoever watches is told; "none"
left() {
	curl -sf --max-time 15 "$METRICS_URL/metrics" |
		"$here/../support/exposition.py" "dirca_crl_left_seconds{kind=\"$1\",key=\"0\",partition=\"$2\",place=\"$3\"}"
}
same_left() { # KIND PARTITION: in the directory as by HTTP
	local ca there
	ca=$(left "$1" "$2" ca) && there=$(left "$1" "$2" directory) && echo "$ca, $there" && [ "$ca" != none ] && [ $((ca - there)) -le 1 ]
}
older_there() { # the directory's is older by what passed since
	local ca there
	ca=$(left base 0 ca) && there=$(left base 0 directory) && echo "$ca, $there" && [ $((ca - there)) -ge 3 ]
}
cdp_named() { # NEW OLD
	printf 'dn: CN=%s,CN=Public Key Services,CN=Services,%s\nchangetype: modrdn\nnewrdn: CN=%s\ndeleteoldrdn: 1\n' "$2" "$LDAP_CONFIG_BASE" "$1" | lab_modify
}

check "a CA" ca_lab_start "$dir" scram p256
ca_lab_allow_ec User
[ "$CHECKS_BAD" -eq 0 ] && check "three certificates" eval 'enroll old user1 && enroll held user2 && enroll stays user3'
check "no delta CRLs by default" refuses E_INVALIDARG admin crl --delta
check "nor a file of one" refuses 404 fetch + delta
check "nor a metric, but of the base" eval 'ca_lab_eventually same_left base 0 && [ "$(left delta 0 ca) $(left delta 0 directory)" = "none none" ]'

# ---- delta CRLs ----
check "a delta CRL may not live longer than a CRL" refuses E_INVALIDARG admin setreg 'CA\CRLDeltaPeriod' '1 Weeks'
check "on hold" officer revoke "$(serial held)" --reason certificateHold
check "a delta CRL a day" admin setreg 'CA\CRLDeltaPeriod' '1 Days'
check "an hour longer" admin setreg 'CA\CRLDeltaOverlapPeriod' '1 Hours'
check "makes both" admin crl --delta
check "the base" fetch '' base
check "names the delta, its next one and its place" shows base "1.3.6.1.4.1.311.21.4" "Freshest CRL" "URI:ldap:///" "?deltaRevocationList?base" \
	"$(ca_lab_in_url "$CA_NAME+").crl" "1.3.6.1.4.1.311.21.14" "certificateRevocationList?base" "$(serial held)" "Certificate Hold"
check "the delta" fetch + delta
check "is the directory's too" ca_lab_eventually in_directory '' deltaRevocationList delta
check "so is the base" in_directory '' certificateRevocationList base
check "and the metrics of both" eval 'ca_lab_eventually same_left base 0 && ca_lab_eventually same_left delta 0'
number() { openssl crl -in "$dir/$1" -noout -crlnumber | sed 's/.*=0x0*//'; }
check "made together they share a number" test "$(number base)" = "$(number delta)"
check "the hold is known" revoked held base delta

check "revoked, and taken from hold" eval 'officer revoke "$(serial old)" --reason keyCompromise && officer unrevoke "$(serial held)"'
check "a delta CRL now" says "A new delta CRL" admin crl --delta
fetch + delta
check "it builds on a base, critically" shows delta "X509v3 Delta CRL Indicator: critical" "Revoked Certificates"
check "the base knows nothing of it" good old base
check "with the delta it is revoked" revoked old base delta
check "and the hold is lifted" good held base delta
check "the third is good" good stays base delta
check "removeFromCRL is in the delta alone" eval 'shows delta "Remove From CRL" && fetch "" base2 && cmp "$dir/base" "$dir/base2"'
check "the base stays in the directory" in_directory '' certificateRevocationList base
check "the delta is new there" ca_lab_eventually in_directory '' deltaRevocationList delta
check "delta alone is no CRL" refuses "unable to get certificate CRL" verdict stays delta
# Java's PKIX knows no delta CRL: it takes none for a CRL, and goes by the base, whatever delta lies beside it.
java_verdict() { # NAME CRL...
	cat "$CA_STATE/ca.crt" "$dir/$1.pem" >"$dir/store.pem" && (cd "$dir" && cat "${@:2}" >crls.pem) &&
		java "$here/../interop/PkixPath.java" "$CA_STATE/ca.crt" "$dir/$1.pem" "$dir/store.pem" "$dir/crls.pem" 2>&1
}
if command -v java >/dev/null; then
	check "Java: good by the base, with the delta too" says "a path of 1" java_verdict old base delta
	check "Java: what the delta lifts stays on hold" refuses "reason: CERTIFICATE_HOLD" java_verdict held base delta
	check "Java: the delta alone is no CRL" refuses "unable to find valid certification path" java_verdict stays delta
fi
check "a new base" admin crl
fetch '' base
fetch + delta
check "knows it" revoked old base
check "and what was taken from hold" good held base
check "its delta serves holders of the older base" revoked old base2 delta

# ---- partitions ----
check "two partitions" admin setreg 'CA\CRLMaxPartitions' 2
parted() { # until there is one of each
	local n
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
		enroll "part$n" user1 || return 1
		for p in 1 2; do
			! openssl x509 -in "$dir/part$n.pem" -noout -ext crlDistributionPoints | grep -q -- "-p$p.crl" || cp "$dir/part$n.pem" "$dir/p$p.pem"
		done
		[ ! -f "$dir/p1.pem" ] || [ ! -f "$dir/p2.pem" ] || break
	done
	for p in 1 2; do ca_lab_serial_of "$dir/p$p.pem" >"$dir/p$p.serial"; done
}
check "certificates name theirs" parted
check "revoked in the first" officer revoke "$(serial p1)" --reason superseded
check "CRLs now" admin crl
check "lists of both" eval 'fetch "" base && fetch -p1 part1 && fetch -p2 part2 && fetch -p2+ delta2 && fetch + delta'
check "a list says critically whose it is" shows part1 "Issuing Distribution Point: critical" "Full Name" "CN=${CA_NAME// /%20}-p1," "-p1.crl" "$(serial p1)"
check "no partition has a third" refuses 404 fetch -p3 none
check "nor is a name written otherwise" refuses 404 fetch -p01 none
check "each of the first is revoked by its own" revoked p1 part1
check "and by the complete list" revoked p1 base
check "one of the second is good by its own" good p2 part2
check "of which the other says nothing" refuses "scope" verdict p2 part1
check "the older certificates need the complete one" refuses "scope" verdict old part1
check "which they have" revoked old base
check "the lists of a partition in the directory" ca_lab_eventually eval "in_directory -p1 certificateRevocationList part1 && in_directory -p2 deltaRevocationList delta2"
check "and their metrics" eval 'ca_lab_eventually same_left base 1 && ca_lab_eventually same_left delta 2'
check "the directory has no place for CRLs" eval 'cdp_named Away CDP && sleep 3'
check "a CRL that is not brought there" eval 'admin crl; ca_lab_eventually older_there'
check "when it has one again" eval 'cdp_named CDP Away; admin crl && ca_lab_eventually same_left base 0'
check "revoked in the second" officer revoke "$(serial p2)" --reason keyCompromise
check "a delta" eval 'admin crl --delta && fetch -p2+ delta2'
check "which its own list plus delta say" revoked p2 part2 delta2
check "not another's delta" good p2 part2 delta
if command -v java >/dev/null; then
	check "Java: revoked by the list of its partition" refuses "reason: SUPERSEDED" java_verdict p1 part1
	check "Java: good by its own" says "a path of 1" java_verdict p2 part2
	check "Java: of which the other says nothing" refuses "unable to find valid certification path" java_verdict p2 part1
fi
check "partitions that had certificates go on" eval 'admin setreg "CA\CRLMaxPartitions" 0 && admin crl && fetch -p2 part2'
check "with what was revoked" revoked p2 part2
check "new certificates are in none" eval 'enroll none user1 && ! openssl x509 -in "$dir/none.pem" -noout -text | grep -e "-p[12]"'

# ---- OCSP ----
# ocsp NAME OPTION...: what `openssl ocsp` is told of the certificate
ocsp() {
	local name=$1
	shift
	openssl ocsp -issuer "$CA_STATE/ca.crt" -CAfile "$CA_STATE/ca.crt" -cert "$dir/$name.pem" -url "$CA_HTTP_URL/ocsp" "$@" 2>&1
}
ask() { # NAME OPTION...: the request
	openssl ocsp -issuer "$CA_STATE/ca.crt" -cert "$dir/$1.pem" -reqout "$dir/$1.req" "${@:2}"
}
get() { # FILE CURL-OPTION...: RFC 5019 5
	curl -sS -D "$dir/headers" -o "$dir/answer" "${@:2}" "$CA_HTTP_URL/ocsp/$(ca_lab_in_url "$(base64 -w0 "$dir/$1")")"
}
answered() { openssl ocsp -respin "$dir/answer" -issuer "$CA_STATE/ca.crt" -CAfile "$CA_STATE/ca.crt" -cert "$dir/$1.pem" -no_nonce 2>&1; }
header() { tr -d '\r' <"$dir/headers" | grep -i "^$1:"; }
# Each of these headers once, and 304 for who has it: of an OCSP answer, a CRL and a CA certificate.
said_once() {
	local url name tag
	for url in "ocsp/$(ca_lab_in_url "$(base64 -w0 "$dir/stays.req")")" "dirca/${CA_NAME// /%20}.crl" "dirca/${CA_NAME// /%20}.crt"; do
		curl -sS -D "$dir/headers" -o /dev/null "$CA_HTTP_URL/$url" || return 1
		for name in Cache-Control ETag Last-Modified Date; do
			[ "$(header "$name" | wc -l)" = 1 ] || { echo "$url: $name"; cat "$dir/headers"; return 1; }
		done
		tag=$(header ETag | cut -d" " -f2)
		[ "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $tag" "$CA_HTTP_URL/$url")" = 304 ] || return 1
	done
	# A question by POST is no fetch (RFC 9110 13.1.2).
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT' -H 'Content-Type: application/ocsp-request' \
		--data-binary "@$dir/stays.req" "$CA_HTTP_URL/ocsp")" = 200 ]
}
signers() { query "SELECT count(*) FROM Request WHERE CertificateTemplate = 'OCSPResponseSigning'"; }

check "nobody asked: the responder has no certificate" test "$(signers)" = 0
check "good, with a nonce" says ": good" ocsp stays
check "signed, not by the CA" eval 'ocsp stays -resp_text | grep -A3 "OCSP No Check" && ocsp stays -resp_text | grep "OCSP Signing"'
check "revoked, with reason and time" eval 'says ": revoked" ocsp old && says "Reason: keyCompromise" ocsp old && says "Revocation Time:" ocsp old'
check "what was taken from hold is good" says ": good" ocsp held
check "SHA-256 is understood" says ": good" openssl ocsp -issuer "$CA_STATE/ca.crt" -CAfile "$CA_STATE/ca.crt" -sha256 -cert "$dir/stays.pem" -url "$CA_HTTP_URL/ocsp"
check "several at once" eval 'says "$dir/old.pem: revoked" ocsp stays -cert "$dir/old.pem" && says "$dir/stays.pem: good" ocsp stays -cert "$dir/old.pem"'
check "never issued: revoked, of 1970" eval 'openssl ocsp -issuer "$CA_STATE/ca.crt" -CAfile "$CA_STATE/ca.crt" -serial 0x1234 -url "$CA_HTTP_URL/ocsp" -resp_text >"$dir/never" 2>&1 &&
	grep "0x1234: revoked" "$dir/never" && grep "Revocation Time: Jan  1 00:00:00 1970" "$dir/never" && grep "certificateHold" "$dir/never" && grep -x "        valid: " "$dir/never"'
check "another CA's: unknown" eval 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=Other -out "$dir/other.pem" 2>/dev/null &&
	openssl ocsp -issuer "$dir/other.pem" -CAfile "$CA_STATE/ca.crt" -serial 1 -url "$CA_HTTP_URL/ocsp" | grep "1: unknown"'
check "one certificate for all of it" test "$(signers)" = 1

check "GET, without a nonce" eval 'ask stays -no_nonce && get stays.req && answered stays | grep ": good"'
check "dump tells it" eval '"$DIRCA_BIN/dirca" dump "$dir/answer" --json |
	jq -e ".type == \"OCSP response\" and .answers[0].status == \"good\" and .answers[0].next_update != null and .certificates == 1 and .responder_key_hash != null"'
check "may be kept" eval 'header ETag && header Cache-Control | grep "max-age=[1-9][0-9]*, public, no-transform, must-revalidate" && header Expires && header Last-Modified'
check "which is said once, of what everybody may fetch" said_once
check "and is" eval 'cp "$dir/answer" "$dir/first" && sleep 1.1 && get stays.req && cmp "$dir/first" "$dir/answer"'
check "304" eval 'etag=$(header ETag | cut -d" " -f2) && get stays.req -H "If-None-Match: $etag" && head -1 "$dir/headers" | grep 304'
# Eight ask for the kept answer without end: whoever asks after a revocation was answered is told of it, and of its end.
revoked_under_load() {
	local load status=0
	"$DIRCA_BIN/bench_enroll" --port "${CA_HTTP_URL##*:}" --shape ocsp --file "$dir/stays.req" --requests 1 --warm-up 0 --seconds 90 >"$dir/load" 2>&1 &
	load=$!
	for _ in 1 2; do
		{ officer revoke "$(serial stays)" --reason certificateHold && get stays.req && answered stays | grep ": revoked" &&
			officer unrevoke "$(serial stays)" && get stays.req && answered stays | grep ": good"; } || status=1
	done
	kill "$load"
	wait "$load" || status=1
	cat "$dir/load"
	grep -q "^enrollments [1-9]" "$dir/load" && return "$status"
}
check "but not longer than it is true" revoked_under_load
check "with a nonce it may not" eval 'ask stays && get stays.req && ! header ETag'
# tell STATUS FILE: the answer to these octets
tell() { curl -sS -o "$dir/answer" -H 'Content-Type: application/ocsp-request' --data-binary "@$2" "$CA_HTTP_URL/ocsp" && openssl ocsp -respin "$dir/answer" -noverify 2>&1 | grep "$1"; }
check "malformed" eval 'head -c 40 "$dir/stays.req" >"$dir/cut" && tell malformedrequest "$dir/cut"'
check "a nonce of 33 octets" eval 'openssl asn1parse -genconf <(printf "asn1=SEQUENCE:r\n[r]\ntbs=SEQUENCE:t\n[t]\nl=SEQUENCE:l\ne=EXP:2,SEQUENCE:e\n[l]\no=SEQUENCE:o\n[o]\nid=SEQUENCE:i\n[i]\na=SEQUENCE:a\nn=FORMAT:HEX,OCT:00\nk=FORMAT:HEX,OCT:00\ns=INTEGER:5\n[a]\nd=OID:sha1\n[e]\nx=SEQUENCE:x\n[x]\nd=OID:1.3.6.1.5.5.7.48.1.2\nv=OCTWRAP,FORMAT:HEX,OCT:%066d\n" 1) -noout -out "$dir/long" && tell malformedrequest "$dir/long"'
check "another type is refused" eval 'test "$(curl -s -o /dev/null -w "%{http_code}" -H "Content-Type: application/json" --data-binary "@$dir/stays.req" "$CA_HTTP_URL/ocsp")" = 415'
check "certificates name it where that is wanted" eval 'admin setreg "CA\OCSPInCertificates" 1 && enroll named user1 && openssl x509 -in "$dir/named.pem" -noout -ocsp_uri | grep -x "$CA_HTTP_URL/ocsp"'
check "the directory is not needed" eval 'ca_lab_directory_stop && says ": good" ocsp named && ca_lab_directory_start'
check "off" eval 'admin setreg "CA\OCSPResponder" 0 && ! ocsp named'

# ---- other readers ----
check "GnuTLS reads and verifies all of them" eval 'for f in base delta part2 delta2; do
	certtool --verify-crl --load-ca-certificate "$CA_STATE/ca.crt" --infile "$dir/$f" || exit 1; done'
check "and finds it revoked" eval "certtool --verify --load-ca-certificate '$CA_STATE/ca.crt' --load-crl '$dir/part2' --infile '$dir/p2.pem' | grep -i revoked"

checks_end
