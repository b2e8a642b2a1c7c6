#!/usr/bin/env bash
# A stand-alone CA: no directory, requests by file, everything decided by people. As root each role has a user of its own; otherwise one
# person plays all parts. usage: standalone.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-standalone.XXXXXX)
finish() {
	ca_lab_dircad_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

me=$(id -un)
officer=$me auditor=$me requester=$me roles=no
if [ "$(id -u)" = 0 ]; then
	officer=daemon auditor=sys requester=games roles=yes
fi
export CA_LAB_DIR=$dir CA_NAME=Offline-CA CA_STATE=$dir/state DIRCAD_CONF=$dir/dircad.conf
port=$(lab_free_port) http_port=$(lab_free_port)
CA_URL=https://localhost:$port CA_HTTP_URL=http://localhost:$http_port
socket=$dir/dircad.socket
configure() { # LINES
	cat >"$DIRCAD_CONF" <<-END
		ca_name = $CA_NAME
		ca_type = standalone
		host = localhost
		state_dir = $CA_STATE
		listen = 127.0.0.1:$port
		http_listen = 127.0.0.1:$http_port
		http_url = $CA_HTTP_URL
		socket = $socket
		certificate_managers = $officer
		backup_recipients = $dir/recipient.crt
		$1
	END
}
if [ $roles = yes ]; then
	users=$'user = proxy\nvault_user = uucp'
	auditors=@sys
	chmod 711 "$dir"
else
	users="ca_administrators = $me"$'\n'"allow_own_requests = yes"
	auditors=$me
fi
configure "auditors = $auditors"$'\n'"$users"
printf 'uri = none\nsocket = %s\n' "$socket" >"$dir/dirca.conf"
chmod 644 "$dir/dirca.conf"

# by USER VERB...: dirca as that local user.
by() {
	local user=$1 verb=("${@:2}")
	if [ "$user" = "$me" ]; then
		"$DIRCA_BIN/dirca" "${verb[@]}" --client-config "$dir/dirca.conf"
	else
		setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$DIRCA_BIN/dirca" "${verb[@]}" --client-config "$dir/dirca.conf"
	fi
}
local_dirca() { "$DIRCA_BIN/dirca" "$@" -c "$DIRCAD_CONF"; }
# request NAME SUBJECT [OPENSSL OPTION...]
request() {
	openssl req -new -newkey "${KEY:-rsa:2048}" -nodes -keyout "$dir/$1.key" -out "$dir/$1.csr" -subj "$2" "${@:3}" 2>/dev/null
}
pending() { jq -e 'select(.disposition == "pending").request_id' < <(by "$requester" submit "$1" --json); }
# issued NAME: submitted, approved, fetched.
issued() {
	local id
	id=$(pending "$dir/$1.csr") && by "$officer" approve "$id" && fetch "$1"
}
fetch() { (umask 022 && by "$requester" submit "$dir/$1.csr" >"$dir/$1.crt"); }
shown() { openssl x509 -in "$dir/$1.crt" -noout -text; }
verifies() { openssl verify -no-CApath -no-CAstore -CAfile "$CA_STATE/ca.crt" "$@"; }
crl() { curl -sf "$CA_HTTP_URL/dirca/$CA_NAME.crl" | openssl crl -inform DER -out "$dir/ca.crl" -CAfile "$CA_STATE/ca.crt"; }
current() { verifies -crl_check -CRLfile "$dir/ca.crl" "$dir/$1.crt"; }
crl_tells() { crl && ! current www && current mail; }
ocsp() {
	openssl ocsp -issuer "$CA_STATE/ca.crt" -cert "$dir/$1.crt" -url "$CA_HTTP_URL/ocsp" -CAfile "$CA_STATE/ca.crt" 2>&1 |
		grep "$dir/$1.crt: $2"
}
# https NAME PATH CSR: with the certificate of NAME; what the CA answers.
https() {
	curl -s --cacert "$CA_STATE/ca.crt" --cert "$dir/$1.crt" --key "$dir/$1.key" "$CA_URL$2" -H 'Content-Type: application/pkcs10' \
		--data-binary "@$3"
}
answers() { local word=$1; shift; grep "$word" < <("$@"); }

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/recipient.key" -out "$dir/recipient.crt" -subj /CN=recipient -days 30 \
	-addext keyUsage=critical,keyEncipherment 2>/dev/null

# ---- begin ----
check "a CA without a directory is made" local_dirca ca init --key p256
check "and starts" ca_lab_dircad_start
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "it says what it is" says "none, the CA is stand-alone" by "$officer" ca status

# ---- a request by file ----
request www /CN=www.example.org -addext subjectAltName=DNS:www.example.org
id=$(pending "$dir/www.csr")
check "every request waits" test -n "$id"
check "and the same again is the same" is "$id" pending "$dir/www.csr"
if [ $roles = yes ]; then
	check "no requester approves" refuses E_ACCESSDENIED by "$requester" approve "$id"
	check "no administrator either" refuses "no entry of dircad.conf grants it" by root approve "$id"
	check "and nobody else sees it" is "[]" by bin requests --json
fi
check "a certificate manager approves" by "$officer" approve "$id"
check "and it is fetched" fetch www
check "it is the CA's" verifies "$dir/www.crt"
check "for what was asked" answers "DNS:www.example.org" shown www
check "for client and server, where nothing was said" answers "TLS Web Server Authentication, TLS Web Client Authentication" shown www
check "with the CRL's address" answers "URI:$CA_HTTP_URL/dirca/$CA_NAME.crl" shown www
check "and no directory's" fails_with 1 answers ldap: shown www
request mail /CN=alice -addext keyUsage=keyEncipherment -addext extendedKeyUsage=emailProtection
check "usages are the request's" issued mail
check "and no others" answers "Key Encipherment$" shown mail
check "and no others" answers "E-mail Protection$" shown mail
KEY=rsa:1024 request weak /CN=weak
check "a weak key is refused" refuses CERTSRV_E_KEY_LENGTH by "$requester" submit "$dir/weak.csr"
request ca /CN=Sub -addext basicConstraints=critical,CA:true -addext keyUsage=keyCertSign,cRLSign
check "no CA below it" refuses DIRCA_E_KIND_NOT_ALLOWED by "$requester" submit "$dir/ca.csr"
request agent /CN=agent -addext extendedKeyUsage=1.3.6.1.4.1.311.20.2.1
check "no enrollment agent" refuses DIRCA_E_KIND_NOT_ALLOWED by "$requester" submit "$dir/agent.csr"
request kra /CN=kra -addext extendedKeyUsage=1.3.6.1.4.1.311.21.6
check "no key recovery agent" refuses DIRCA_E_KIND_NOT_ALLOWED by "$requester" submit "$dir/kra.csr"
request host /CN=localhost
check "nobody is the CA's own host" refuses DIRCA_E_SERVICE_NAME by "$requester" submit "$dir/host.csr"
request plain /CN=plain
check "no template" refuses CERTSRV_E_UNSUPPORTED_CERT_TYPE by "$requester" submit "$dir/plain.csr" --template User
check "a request is denied" by "$officer" deny "$(pending "$dir/plain.csr")" --reason "no"
check "and its requester is told" refuses DIRCA_E_DENIED by "$requester" submit "$dir/plain.csr"

# ---- renewal by the certificate ----
request www2 /CN=www.example.org -addext subjectAltName=DNS:www.example.org
request other /CN=other.example.org
check "who has only a certificate asks for another" answers '"pending"' https www /.well-known/est/simplereenroll "$dir/www2.csr"
check "of its names alone" answers CERTSRV_E_BAD_REQUESTSUBJECT https www /.well-known/est/simplereenroll "$dir/other.csr"
check "and is nobody of the machine" answers E_ACCESSDENIED https www "/dirca/v1/requests/$id/approve" /dev/null
check "nobody comes without one" answers DIRCA_E_AUTHENTICATION curl -s --cacert "$CA_STATE/ca.crt" "$CA_URL/dirca/v1/requests"
check "nor with one that is for something else" answers DIRCA_E_AUTHENTICATION https mail /.well-known/est/simpleenroll "$dir/mail.csr"

# ---- revocation ----
serial=$(openssl x509 -in "$dir/www.crt" -noout -serial | sed 's/.*=//')
check "OCSP: good" ocsp www good
check "it is revoked" by "$officer" revoke "$serial"
check "a new CRL" by "$me" crl
check "the CRL says so" crl_tells
check "OCSP: revoked" ocsp www revoked
check "it opens no door any more" answers DIRCA_E_AUTHENTICATION https www /.well-known/est/simplereenroll "$dir/www2.csr"

# ---- what needs a directory ----
needs_directory() { # VERB...
	check "$* refuses by name" refuses DIRCA_E_STANDALONE by "$me" "$@"
	check "with status 1" fails_with 1 by "$me" "$@"
}
for verb in "ca rights" "templates" "template enable User" "kra list" "kra publish $dir/www.crt" "officer list" "cas" "ds" "directory check" "doctor directory" "enroll User"; do
	# shellcheck disable=SC2086 # a verb and its arguments
	needs_directory $verb
done
for verb in "ca publish" "ca unpublish" "doctor directory"; do
	# shellcheck disable=SC2086
	check "$verb refuses by name" refuses DIRCA_E_STANDALONE local_dirca $verb
done
check "explain too" says CERTSRV_E_UNSUPPORTED_CERT_TYPE by "$me" explain enroll "$requester" User
check "the exchange certificate is there" answers "Exchange certificate until: 2" by "$me" ca status
check "a setting is set" by "$me" setreg 'CA\ValidityPeriodUnits' 1
check "and is" says 'CA\ValidityPeriodUnits = 1' by "$me" getreg 'CA\ValidityPeriodUnits'
check "nothing is wrong" says "Nothing is wrong" by "$me" doctor ca

# ---- what becomes of a new request ----
disposition() { by "$me" setreg 'Policy\RequestDisposition' "$1"; }
at_once() { (umask 022 && by "$requester" submit "$dir/$1.csr" >"$dir/$1.crt") && verifies "$dir/$1.crt"; }
request first /CN=first.example.org
request second /CN=second.example.org
request third /CN=third.example.org
request again /CN=first.example.org
check "the default is that of AD CS" says 'Policy\RequestDisposition = REQDISP_ISSUE REQDISP_PENDINGFIRST' by "$me" getreg 'Policy\RequestDisposition'
[ $roles = no ] || check "a certificate manager does not change it" refuses E_ACCESSDENIED by "$officer" setreg 'Policy\RequestDisposition' 1
check "nor to what a request would say itself" refuses "issued or denied" disposition 3
check "an administrator has it denied" disposition REQDISP_DENY
check "everything" refuses "denies every request now" by "$requester" submit "$dir/first.csr"
check "or issued" disposition REQDISP_ISSUE
check "at once" at_once first
check "with the names that were asked for" answers first.example.org shown first
check "but not for the CA's own host" refuses DIRCA_E_SERVICE_NAME by "$requester" submit "$dir/host.csr"
check "nor an agent" refuses DIRCA_E_KIND_NOT_ALLOWED by "$requester" submit "$dir/agent.csr"
check "nor with a weak key" refuses CERTSRV_E_KEY_LENGTH by "$requester" submit "$dir/weak.csr"
check "the holder gets another of its names at once" answers '^MI' https first /.well-known/est/simplereenroll "$dir/again.csr"
check "and of no others" answers CERTSRV_E_BAD_REQUESTSUBJECT https first /.well-known/est/simplereenroll "$dir/second.csr"
check "the doctor tells of it" refuses "no certificate manager looks at it" by "$me" doctor ca
check "the status too" says "no certificate manager looks at it" by "$me" ca status
check "the trail too" answers "RequestDisposition" by "$auditor" audit log
check "they wait again" disposition +REQDISP_PENDINGFIRST
check "each" test -n "$(pending "$dir/second.csr")"
check "0 too" disposition 0
check "as each" test -n "$(pending "$dir/third.csr")"
check "nothing is wrong any more" says "Nothing is wrong" by "$me" doctor ca
check "the trail names who did it" answers "\\\\$officer" by "$auditor" audit log
check "nobody looks for keys that are not there" fails_with 3 by "$officer" getkey alice

# ---- at the end ----
stranger() {
	configure "auditors = nobody-there"$'\n'"$users" && ca_lab_dircad_stop && ca_lab_dircad_start &&
		says "auditors of dircad.conf names 'nobody-there'" by "$officer" ca status
}
check "who is not there is told of" stranger
check "a copy of it" local_dirca backup "$dir/copy"
check "is whole" "$DIRCA_BIN/dirca" backup verify "$dir/copy" --ca "$CA_STATE/ca.crt"
checks_end
