#!/usr/bin/env bash
# A flaw in the front gives an attacker no key: a known archived key is sought in the front's memory, a core file of it, the
# database, its WAL, the log and everything else that dircad wrote. Controls prove that the search can find what is there.
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
[ "$(id -u)" -eq 0 ] || { echo "only root may read dircad's memory"; exit 77; }

dir=$(mktemp -d /tmp/dirca-secrets.XXXXXX)
CA_LAB_DIR=$dir
checks_begin "$dir"
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
trap finish EXIT

find_secret() {
	python3 "$here/../support/find_secret.py" "$@"
}

# finds KEY TARGET...: exit status exactly 1; a search that could not be done is no finding.
finds() {
	find_secret "$@"
	[ $? -eq 1 ]
}

# Keys of both kinds, archived; the keys are known here from the PKCS#12 files.
archives() {
	ca_lab_enroll user1 EFSArchive "$dir/rsa.pfx" --key rsa2048 && ca_lab_key_of "$dir/rsa.pfx" >"$dir/rsa.key" &&
		ca_lab_allow_ec UserArchive && ca_lab_enroll user2 UserArchive "$dir/ec.pfx" --key p256 &&
		ca_lab_key_of "$dir/ec.pfx" >"$dir/ec.key" && ca_lab_status '.requests.archived_keys == 2'
}

# A key that the CA itself made, for who has a certificate for encryption.
made_by_the_ca() {
	ca_lab_enroll user1 User "$dir/own.pfx" --key rsa2048 && ca_lab_certificate_of "$dir/own.pfx" >"$dir/own.pem" &&
		ca_lab_key_of "$dir/own.pfx" >"$dir/own.key" &&
		[ "$("$here/../support/est_client.py" "$CA_URL" "$CA_STATE/ca.crt" user1 "$(lab_password_file user1)" "$dir" EFSArchive \
			serverkeygen "$dir/own.pem" "$dir/own.key")" = issued ] && ca_lab_status '.requests.archived_keys == 3'
}

recovers() {
	ca_lab_as officer1 getkey user1@nwtraders.com "$dir/rsa.rec"
}

# A process that holds the key as the front must not: as text, and as the number in the processor's byte order.
process_control() {
	local status holder
	python3 -c '
import sys, time
held = open(sys.argv[1]).read(), bytes(range(256))
open(sys.argv[2], "w").close()
time.sleep(60)' "$dir/rsa.key" "$dir/holding" &
	holder=$!
	lab_answers $holder test -e "$dir/holding"
	finds "$dir/rsa.key" "pid:$holder"
	status=$?
	kill "$holder"
	wait "$holder" 2>/dev/null
	return "$status"
}

file_control() {
	local kind
	for kind in rsa ec; do
		openssl pkey -in "$dir/$kind.key" -outform DER -out "$dir/control.der" &&
			finds "$dir/$kind.key" "$dir/control.der" && finds "$dir/$kind.key" "$dir/$kind.key" || return 1
	done
}

front_control() {
	finds --public "$dir/rsa.key" "pid:$front" && finds --public "$dir/rsa.key" "$dir/core.front"
}

database_control() {
	finds --public "$dir/rsa.key" "$CA_STATE/dirca.db" "$CA_STATE/dirca.db-wal" &&
		finds --public "$dir/made.key" "$CA_STATE/dirca.db" "$CA_STATE/dirca.db-wal"
}

# The front forbids core files of itself; a debugger of root's makes one all the same.
core_of_front() {
	kill -STOP "$(<"$dir/dircad.pid")" # to the supervisor a front that gdb holds is one that hangs
	gcore -o "$dir/core" "$front" && mv "$dir/core.$front" "$dir/core.front" && kill -CONT "$(<"$dir/dircad.pid")"
}

nowhere() {
	local kind=$1
	shift
	find_secret "$dir/$kind.key" "$@"
}

no_core_by_signal() {
	grep -E '^Max core file size +0 +0' "/proc/$front/limits" && grep -E '^Max core file size +0 +0' "/proc/$vault/limits"
}

check "a CA with KRAs" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
check "an RSA and an EC key are archived" archives
check "one is fetched by an officer" recovers
check "the CA makes a third, of RSA" made_by_the_ca
front=$(ca_lab_child front) vault=$(ca_lab_child vault)
check "control: a key in a file is found" file_control
check "control: a key in a process is found" process_control
check "a core file of the front is made" core_of_front
check "control: the public key is found in the front and its core" front_control
check "control: the public key is found in the database" database_control
for kind in rsa ec made; do
	check "the $kind key is not in the front's memory" nowhere $kind "pid:$front"
	check "the $kind key is not in a core file of the front" nowhere $kind "$dir/core.front"
	check "the $kind key is not in the database, its WAL or anything else of the state folder" nowhere $kind "$CA_STATE"
	check "the $kind key is not in the log" nowhere $kind "$dir/dircad.log"
	check "the $kind key is not in the recovery BLOB" nowhere $kind "$dir/rsa.rec"
	check "the $kind key is no longer in the vault's memory" nowhere $kind "pid:$vault"
done
check "front and vault leave no core files" no_core_by_signal
checks_end
