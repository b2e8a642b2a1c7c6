#!/usr/bin/env bash
# S21: who learned a password goes on with the connection that he opened after the password was changed. Its sign-in has a greatest age;
# an honest client signs in again by itself. usage: s21_changed_password.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s21.XXXXXX)
finish() {
	[ ! -f "$dir/proxy.pid" ] || kill "$(<"$dir/proxy.pid")"
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

MAX_AGE=2 # s
REQUESTS="GET /dirca/v1/requests"

# outlives USER FLAG: one connection, signed in, asked at once, and again when its sign-in is old. The password is changed between the two.
outlives() {
	{
		printf '#!/bin/sh\nldapmodify -Q -Y EXTERNAL -H %s >/dev/null <<END\n' "$LDAPI_URI"
		printf 'dn: CN=%s,CN=Users,%s\nchangetype: modify\nreplace: userPassword\nuserPassword: another\n-\ndelete: authPassword\nEND\n' "$1" "$LDAP_BASE"
	} >"$dir/change"
	chmod +x "$dir/change"
	python3 "$here/sign_in.py" "$CA_URL" "$1" "$(lab_password_file "$1")" "$2" "$REQUESTS" "run $dir/change" "sleep $((MAX_AGE + 1))" "$REQUESTS"
}

# Every answer takes longer than a sign-in lives.
slow_path() {
	local port
	port=$(lab_free_port) || return 1
	echo 0 >"$dir/delay"
	python3 "$here/../support/slow_proxy.py" "$port" "${CA_URL##*:}" "$dir/delay" &
	echo $! >"$dir/proxy.pid"
	echo "url = https://localhost:$port" >>"$DIRCAD_CONF"
	ca_lab_dircad_stop && ca_lab_dircad_start && ca_lab_publish && ca_lab_eventually ca_lab_is_ready && echo $((MAX_AGE)).2 >"$dir/delay"
}

CA_LAB_OPTIONS="auth_max_age_s = $MAX_AGE"$'\n'
check "a CA" ca_lab_start "$dir" scram
check "attack: the connection outlives the password, by SCRAM" is \
	$'sign-in 200\nGET /dirca/v1/requests 200 \nGET /dirca/v1/requests 401 0xA0DC000B DIRCA_E_AUTHENTICATION' outlives user1 p
check "attack: the connection outlives the password, by Basic" is \
	$'sign-in 200\nGET /dirca/v1/requests 200 \nGET /dirca/v1/requests 401 0xA0DC000B DIRCA_E_AUTHENTICATION' outlives user2 basic
check "a path on which a sign-in is old with the next request" slow_path
check "control: the client signs in again by itself" ca_lab_enroll user3 User "$dir/user3.pfx"
checks_end
