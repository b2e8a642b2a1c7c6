#!/usr/bin/env bash
# S4: somebody on the path between clients and the CA, with a server certificate of that very CA for its own name. He must not be given
# one; with a stolen one `dirca` must not speak to him; and where a client does, he must not act as the officer or administrator whose
# sign-in he passes on. usage: s04_man_in_the_middle.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s04.XXXXXX)
mkdir "$dir/path"
finish() {
	[ ! -f "$dir/mitm.pid" ] || kill "$(<"$dir/mitm.pid")"
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

# The path from the clients to the CA leads through a port of its own, which the directory names.
put_in_the_middle() {
	local port
	port=$(lab_free_port) || return 1
	echo pass >"$dir/path/mode" && touch "$dir/path/begun" "$dir/path/over"
	python3 "$here/mitm.py" "$port" "${CA_URL##*:}" "$dir/path" &
	echo $! >"$dir/mitm.pid"
	PATH_URL=https://localhost:$port
	echo "url = $PATH_URL" >>"$DIRCAD_CONF"
	ca_lab_dircad_stop && ca_lab_dircad_start && ca_lab_publish && ca_lab_eventually ca_lab_is_ready
}

# The one in the middle is done with all that he was part of, or what he saw and did is not there yet.
is_over() {
	[ "$(wc -l <"$dir/path/begun")" = "$(wc -l <"$dir/path/over")" ]
}

# mode pass|tls|switch [INJECT]
mode() {
	rm -f "$dir/path/"{seen,inject,injected}
	echo "$1" >"$dir/path/mode"
	[ -z "${2:-}" ] || echo "$2" >"$dir/path/inject"
}

pending() {
	ca_lab_enroll kra1 KeyRecoveryAgent "$dir/kra1-$1.pfx" | jq -re 'select(.disposition == "pending").request_id'
}

is_pending() {
	[ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT Disposition FROM Request WHERE RequestID = $1")" = 9 ]
}

# Any way of writing the name that a client could take for it.
names_refused() {
	local name failed=0 refusal try=0
	for name in localhost LOCALHOST localhost. 'local*' 'l*t'; do
		try=$((try + 1))
		refusal=$(ca_lab_enroll user2 WebServer "$dir/san$try.pfx" --subject CN=www.nwtraders.com --dns www.nwtraders.com --dns "$name" 2>&1) &&
			echo "$name in the alternative names: issued" && failed=1
		echo "$refusal" | grep -q DIRCA_E_SERVICE_NAME || { echo "$name: $refusal" && failed=1; }
		refusal=$(ca_lab_enroll user2 WebServer "$dir/cn$try.pfx" --subject "CN=$name" 2>&1) && echo "$name as common name: issued" && failed=1
		echo "$refusal" | grep -q DIRCA_E_SERVICE_NAME || { echo "$name: $refusal" && failed=1; }
	done
	return $failed
}

# From the directory: a computer that an administrator named like the CA's host, or whose owner may write its names.
directory_name_refused() {
	printf 'dn: CN=ws1,CN=Computers,%s\nchangetype: modify\nreplace: dNSHostName\ndNSHostName: LocalHost.\n\n' "$LDAP_BASE" | lab_modify &&
		openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/ws1.key" -subj / -outform DER -out "$dir/ws1.der" 2>/dev/null || return 1
	curl -sS -D "$dir/ws1.head" -o "$dir/ws1.answer" --cacert "$CA_STATE/ca.crt" -u 'ws1$:ws1-Passw0rd' \
		-H 'Content-Type: application/pkcs10' --data-binary "@$dir/ws1.der" "$CA_URL/.well-known/est/Machine/simpleenroll"
	cat "$dir/ws1.head" "$dir/ws1.answer"
	grep -q DIRCA_E_SERVICE_NAME "$dir/ws1.head"
}

# A certificate of this CA for its host, as somebody would have it who had used the CA's key once.
steal_certificate() {
	openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/thief.key" -subj /CN=localhost -out "$dir/thief.csr" 2>/dev/null &&
		openssl x509 -req -in "$dir/thief.csr" -CA "$CA_STATE/ca.crt" -CAkey "$CA_STATE/vault/ca.key" -days 2 -out "$dir/thief.crt" \
			-extfile <(printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n') &&
		cat "$dir/thief.crt" "$dir/thief.key" >"$dir/path/thief.pem"
}

# said_nothing USER: `dirca` finds out before it says a word.
said_nothing() {
	mode tls
	refuses DIRCA_E_SERVICE_KEY ca_lab_as "$1" requests && ca_lab_eventually is_over && [ ! -s "$dir/path/seen" ]
}

# Who may write the CA's object in the directory makes the clients take the thief's key for the CA's.
deceive() {
	local hash
	hash=$(openssl x509 -in "$dir/thief.crt" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64)
	printf 'dn: CN=%s,CN=Enrollment Services,CN=Public Key Services,CN=Services,%s\nchangetype: modify\nadd: dircaServiceKeyHash\ndircaServiceKeyHash:: %s\n\n' \
		"$CA_NAME" "$LDAP_CONFIG_BASE" "$hash" | lab_modify
}

# not_injected ID COMMAND...: the command runs through the thief, who approves ID on the same connection if it signs in.
not_injected() {
	local id=$1
	shift
	mode tls "POST /dirca/v1/requests/$id/approve"
	"$@"
	ca_lab_eventually is_over || return 1
	cat "$dir/path/injected"
	[ -s "$dir/path/seen" ] && is_pending "$id"
}

# The sign-in begins with the CA and would go on with the thief: what is bound to one channel is not said in another.
not_carried_over() {
	mode switch
	refuses DIRCA_E_CHANNEL_BINDING "$@" && ca_lab_eventually is_over && [ ! -s "$dir/path/seen" ]
}

# As a client without channel binding signs in, the thief is heard, and refused.
injection_refused() {
	not_injected "$@" && grep -q '^Dirca-Error: .* DIRCA_E_CHANNEL_BINDING' "$dir/path/injected"
}

# A client that knows nothing of channel binding, as curl and browsers.
curl_negotiate() {
	KRB5CCNAME=FILE:$(ca_lab_home officer1)/ccache curl -sS -k -o "$dir/curl.out" -w '%{http_code}\n' --negotiate -u : "$@"
}

scram() { python3 "$here/sign_in.py" "$PATH_URL" officer1 "$(lab_password_file officer1)" "$@"; }

# refused_unbound CURL-ARGUMENT...: 403 because of the channel.
refused_unbound() {
	curl -sS -k -D "$dir/curl.head" -o "$dir/curl.out" -X POST -H 'Content-Type: application/json' "$@"
	cat "$dir/curl.head"
	grep -q '^HTTP/1.1 403' "$dir/curl.head" && grep -q '^Dirca-Error: .* DIRCA_E_CHANNEL_BINDING' "$dir/curl.head"
}

officer_unbound() {
	KRB5CCNAME=FILE:$(ca_lab_home officer1)/ccache refused_unbound --negotiate -u : "$@"
}

# with_scram VERB...: dirca as officer1 by SCRAM.
with_scram() {
	HOME=$dir/home/scram "$DIRCA_BIN/dirca" "$@"
}

scram_home() {
	mkdir -p "$dir/home/scram/.config" &&
		printf 'uri = %s\ntls_ca = %s\nmech = SCRAM-SHA-256\nuser = officer1\npassword_file = %s\n' "$LDAPS_URI" "$LDAP_CA_FILE" \
			"$(lab_password_file officer1)" >"$dir/home/scram/.config/dirca.conf"
}

CA_LAB_OPTIONS=$'auth_scram = yes\nauth_basic = yes\n'
check "a CA" ca_lab_start "$dir" gssapi
check "a path to it that can be listened on" put_in_the_middle
check "WebServer for everybody" ca_lab_as caadmin template enable WebServer
check "with the right to it" ca_lab_as caadmin template grant WebServer "Domain Users" enroll
check "and Machine" ca_lab_as caadmin template enable Machine
check "which the CA knows" ca_lab_has_read
check "control: a name of somebody else is certified" ca_lab_enroll user2 WebServer "$dir/www.pfx" --subject CN=www.nwtraders.com --dns www.nwtraders.com
check "attack: a name of the CA's service" names_refused
check "attack: the same from the directory" directory_name_refused

check "a certificate for the CA's host is stolen" steal_certificate
mode pass
id=$(pending 1)
check "control: officer1 looks at the requests by Kerberos" ca_lab_as officer1 requests
check "control: and by SCRAM" scram_home
check "control: which works" with_scram requests
check "attack: Kerberos through the thief" said_nothing officer1
check "attack: Kerberos without channel binding through the thief" injection_refused "$id" curl_negotiate "$PATH_URL/dirca/v1/requests"
mode pass
check "attack: an officer's act by Kerberos without channel binding" officer_unbound "$PATH_URL/dirca/v1/requests/$id/approve"
check "attack: SCRAM without channel binding through the thief" injection_refused "$id" scram n
check "attack: the client is told that the CA cannot bind" says "sign-in 401" scram y
mode tls
check "attack: SCRAM with the thief's channel" says "sign-in 401" scram p "GET /dirca/v1/requests"
mode pass
check "control: SCRAM with the CA's channel" says "sign-in 200" scram p
check "attack: an officer's act by Basic" refused_unbound -u "officer1:$(<"$(lab_password_file officer1)")" "$PATH_URL/dirca/v1/requests/$id/approve"
check "attack: an administrator's act by Basic" refused_unbound -u "caadmin:$(<"$(lab_password_file caadmin)")" "$PATH_URL/dirca/v1/crl"

check "attack: an auditor's act by Basic" refused_unbound -X GET -u "auditor:$(<"$(lab_password_file auditor)")" "$PATH_URL/dirca/v1/audit"

check "the directory is made to name the thief's key too" deceive
mode pass
check "control: the CA's own key still counts" ca_lab_as officer1 requests
check "attack: dirca by Kerberos through the thief" not_injected "$id" ca_lab_as officer1 requests
check "attack: dirca by SCRAM through the thief" not_injected "$id" with_scram requests
check "attack: Kerberos that begins with the CA" not_carried_over ca_lab_as officer1 requests
mode pass
check "control: an honest connection between the two" with_scram requests
check "attack: SCRAM that begins with the CA" not_carried_over with_scram requests
mode pass
check "control: the officer approves, bound to the CA's channel" ca_lab_as officer1 approve "$id"
checks_end
