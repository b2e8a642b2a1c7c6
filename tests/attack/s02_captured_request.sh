#!/usr/bin/env bash
# S2: a request that somebody captured is sent by another account. If the CA took it, its key would be recovered for that account by
# people who do everything right. usage: s02_captured_request.sh S02_REQUEST
# shellcheck disable=SC2317 # the functions are called through check
set -u
request=$1
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s02.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

est=/.well-known/est
declare -A types=([fullcmc]=application/pkcs7-mime [simpleenroll]=application/pkcs10)

sql() { sqlite3 "$CA_STATE/dirca.db" "$1"; }
# How many certificates and archived keys somebody has.
held() { sql "SELECT count(*) || ' ' || coalesce(sum(HasArchivedKey), 0) FROM Request WHERE Disposition = 20 AND RequesterName LIKE '%\\$1'"; }

# send USER PATH FILE [ANSWER]: the answer's status and headers; its body in a file.
send() {
	curl -sS -o "${4:-$dir/answer}" -D - --cacert "$CA_STATE/ca.crt" -u "$1:$(<"$(lab_password_file "$1")")" \
		-H "Content-Type: ${types[${2##*/}]}" --data-binary "@$3" "$CA_URL$2"
}

# taken USER PATH FILE: it is answered with a certificate; prints the request's number and the certificate's hash.
taken() {
	local headers
	headers=$(send "$@") || return 1
	[[ $headers == HTTP/1.1\ 200* ]] || { echo "$headers"; return 1; }
	sed -n 's/^Dirca-Request-Id: \([0-9]*\).*/\1/p' <<<"$headers"
	base64 -d "$dir/answer" | openssl pkcs7 -inform DER -print_certs 2>/dev/null | openssl x509 -noout -fingerprint -sha256
}

# not_taken USER PATH FILE: refused as another's key; nothing is issued or archived.
not_taken() {
	local headers before
	before=$(held "$1")
	headers=$(send "$@") || return 1
	echo "$headers"
	grep -q '^Dirca-Error: 0xA0DC0019 DIRCA_E_KEY_IN_USE' <<<"$headers" && [ "$(held "$1")" = "$before" ]
}

unsaid() { send "$@" | grep '^Dirca-Error: 0xA0DC001A DIRCA_E_REQUEST_BINDING'; }

# says_nothing_of WHOM: the last refusal does not tell whose the key is.
says_nothing_of() {
	base64 -d "$dir/answer" >"$dir/answer.der" 2>/dev/null || cp "$dir/answer" "$dir/answer.der"
	! grep -aqi "$1" "$dir/answer.der"
}

first() { taken "$@" >"$dir/first" || { cat "$dir/first"; return 1; }; }

# The request and the certificate of a repetition are those of the first time.
repeated() {
	local again
	again=$(taken "$@") && echo "$again" && [ "$again" = "$(<"$dir/first")" ]
}

# Two principals at once, with one key, ten times: one of them gets it.
race() {
	local i first second winners
	for ((i = 0; i < 10; i++)); do
		openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj / -outform DER -out "$dir/race.der" 2>/dev/null
		winners=$(sql 'SELECT count(*) FROM Request WHERE Disposition = 20')
		send user4 "$est/User/simpleenroll" "$dir/race.der" "$dir/answer4" >"$dir/race4" &
		first=$!
		send user5 "$est/User/simpleenroll" "$dir/race.der" "$dir/answer5" >"$dir/race5" &
		second=$!
		wait "$first" "$second"
		[ "$(sql 'SELECT count(*) FROM Request WHERE Disposition = 20')" -eq $((winners + 1)) ] || { cat "$dir/race4" "$dir/race5"; return 1; }
		[ "$(cat "$dir/race4" "$dir/race5" | grep -c '^Dirca-Error: 0xA0DC0019')" -eq 1 ] || return 1
	done
}

exchange() {
	curl -sS -f -o "$dir/exchange.der" --cacert "$CA_STATE/ca.crt" -u "user1:$(<"$(lab_password_file user1)")" \
		"$CA_URL/dirca/v1/exchange-certificate"
}
# recovered OFFICER WHOM: the officer gets that person's key.
recovered() {
	rm -f "$dir/$1.rec"
	ca_lab_as "$1" getkey "$2" "$dir/$1.rec"
}

check "a CA with KRAs" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
check "the exchange certificate" exchange
for who in user1 user2 user4 user5; do
	check "a request of $who is captured" "$request" "$dir/exchange.der" EFSArchive "$dir/$who.der"
done
openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj / -outform DER -out "$dir/plain.der" 2>/dev/null

check "control: user1 is given his certificate" taken user1 $est/fullcmc "$dir/user1.der"
check "control: and user2" first user2 $est/fullcmc "$dir/user2.der"
check "control: user2 sends it again: the same request, the same certificate" repeated user2 $est/fullcmc "$dir/user2.der"
check "and one archived key" test "$(held user2)" = "1 1"

check "user3 sends user2's request" not_taken user3 $est/fullcmc "$dir/user2.der"
check "who is not told whose key it is" says_nothing_of user2
check "user3 sends it for another template" not_taken user3 $est/EFSArchive/fullcmc "$dir/user2.der"
check "so no key is recovered for user3" refuses CRYPT_E_NOT_FOUND recovered officer1 user3

check "officer2 may not recover user1's key" ca_lab_as caadmin officer restrict
check "by a rule" ca_lab_as caadmin officer deny officer2 --for user1
check "which is in force" ca_lab_eventually refuses CERTSRV_E_RESTRICTEDOFFICER recovered officer2 user1
check "user2 sends user1's request, so that officer2 finds it under his name" not_taken user2 $est/fullcmc "$dir/user1.der"
check "user2 has one key as before" test "$(held user2)" = "1 1"

check "control: user2's key without archival" taken user2 $est/User/simpleenroll "$dir/plain.der"
check "user3 sends that PKCS#10" not_taken user3 $est/User/simpleenroll "$dir/plain.der"
check "control: another template for the same key of the same account" taken user2 $est/EFS/simpleenroll "$dir/plain.der"
check "two accounts at once with one key" race

check "control: without a word of its sender a request is taken" taken user4 $est/fullcmc "$dir/user4.der"
check "the CA demands that a request says who sends it" ca_lab_as caadmin setreg 'CA\RequireRequestBinding' 1
check "one that does not is refused" unsaid user5 $est/fullcmc "$dir/user5.der"
check "control: dirca enroll says it" ca_lab_enroll user5 EFSArchive "$dir/user5.pfx" --key rsa2048
# ---- requests in files, which others may bring ----
# shellcheck disable=SC2016 # $Windows NT$ is what stands there
printf '%s\n' '[Version]' 'Signature = "$Windows NT$"' '[NewRequest]' 'Subject = "CN=file"' 'KeyLength = 2048' 'PrivateKeyArchive = TRUE' \
	'[RequestAttributes]' 'CertificateTemplate = EFSArchive' >"$dir/new.inf"
new_request() { ca_lab_as "$1" new "$dir/new.inf" "$2" --out-password-file "$(ca_lab_pass)" "${@:3}"; } # USER FILE [OPTION...]
check "a request in a file says nobody's name" new_request user4 "$dir/new.req"
check "and is refused, with what does" refuses 'dirca new --bound' ca_lab_as user4 submit "$dir/new.req" "$dir/new.cer"
check "one that is bound" new_request user4 "$dir/bound.req" --bound
check "is nobody else's to send" refuses DIRCA_E_REQUEST_BINDING ca_lab_as user5 submit "$dir/bound.req" "$dir/stolen.cer"
check "control: it is its maker's" ca_lab_as user4 submit "$dir/bound.req" "$dir/bound.cer" "$dir/bound.p7b" "$dir/bound.rsp"
check "and its answer goes with the key" ca_lab_as user4 accept "$dir/bound.rsp" "$dir/bound.pfx" --key-file "$dir/bound.req.key" \
	--out-password-file "$(ca_lab_pass)"
checks_end
