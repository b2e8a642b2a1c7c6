#!/usr/bin/env bash
# A flaw in the front gives an attacker no key: a known archived key is sought in the front's memory, a core file of it, the
# database, its WAL, the log and everything else that dircad wrote. So are the passphrase of the CA key and the passwords of who makes a backup,
# restores it, takes over a CA of a PKCS#12 and opens a recovery BLOB, in the argument lists and environments of all programs that are started
# for it, too; PINs are in
# token.sh. Controls prove that the search can find what is there. usage: secrets.sh LIBRARY (exec_shim)
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

ca_lab_watch_programs "${1:?the library}" "$dir/programs"
(umask 077 && echo passphrase-of-the-CA >"$dir/passphrase" && echo password-of-the-recipient >"$dir/recipient-password" &&
	echo password-of-the-PKCS12 >"$dir/adopted-password")
CA_LAB_OPTIONS="passphrase_file = $dir/passphrase
backup_recipients = $dir/recipient.crt
"

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

# Made by OpenSSL, as a careful administrator would.
recipient() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/recipient.key" -out "$dir/recipient.crt" -subj /CN=recipient -days 30 \
		-addext keyUsage=critical,keyEncipherment &&
		openssl pkcs12 -export -in "$dir/recipient.crt" -inkey "$dir/recipient.key" -out "$dir/recipient.p12" \
			-passout "file:$dir/recipient-password" && chmod go-w "$dir/recipient.crt"
}
# A passphrase that is not there yet is restored as well.
restored() {
	sed -e "s|^state_dir = .*|state_dir = $dir/elsewhere|" -e "s|^passphrase_file = .*|passphrase_file = $dir/restored-passphrase|" \
		"$DIRCAD_CONF" >"$dir/elsewhere.conf"
	"$DIRCA_BIN/dirca" restore -c "$dir/elsewhere.conf" "$dir/copy" --recipient "$dir/recipient.p12" \
		--recipient-password-file "$dir/recipient-password" --ca "$CA_STATE/ca.crt" && cmp "$dir/passphrase" "$dir/restored-passphrase"
}
# The same CA, as if it came from elsewhere in a PKCS#12.
adopted() {
	openssl pkcs12 -export -inkey "$CA_STATE/vault/ca.key" -passin "file:$dir/passphrase" -in "$CA_STATE/ca.crt" -out "$dir/adopted.p12" \
		-passout "file:$dir/adopted-password" &&
		sed "s|^state_dir = .*|state_dir = $dir/adopted|" "$DIRCAD_CONF" >"$dir/adopted.conf" &&
		"$DIRCA_BIN/dirca" ca init -c "$dir/adopted.conf" --import-pfx "$dir/adopted.p12" --pfx-password-file "$dir/adopted-password" \
			--crl-number 100 --passphrase-file "$dir/passphrase" && cmp "$CA_STATE/ca.crt" "$dir/adopted/ca.crt"
}
started() { grep -aqF -- "$1" "$dir/programs"; }
line_control() {
	local holder status
	python3 -c '
import sys, time
held = open(sys.argv[1]).read()
open(sys.argv[2], "w").close()
time.sleep(60)' "$dir/passphrase" "$dir/holding-line" &
	holder=$!
	lab_answers $holder test -e "$dir/holding-line"
	finds --lines "$dir/sought" "pid:$holder"
	status=$?
	kill "$holder"
	wait "$holder" 2>/dev/null
	return $status
}
told() { PASSPHRASE=$(<"$dir/passphrase") /bin/true && ! ca_lab_says_nothing_of "$dir/passphrase"; }

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

# ---- passwords of root, and of a key recovery agent ----
check "a recipient of backups" recipient
check "a copy of the CA" "$DIRCA_BIN/dirca" backup -c "$DIRCAD_CONF" "$dir/copy"
check "is restored" restored
check "its PKCS#12 is taken over" adopted
check "a KRA opens the BLOB" ca_lab_opens "$dir/rsa.rec" "$dir/kra1.pfx" "$dir/rsa.pfx"
for verb in --role=vault --database backup restore --import-pfx recoverkey; do
	check "control: $verb was watched" started "$verb"
done
(umask 077 && cat "$dir/passphrase" "$dir/recipient-password" "$dir/adopted-password" "$(ca_lab_pass)" >"$dir/sought")
check "control: a passphrase in a process is found" line_control
for file in "$dir/passphrase" "$dir/recipient-password" "$dir/adopted-password" "$(ca_lab_pass)"; do
	check "$(basename "$file"): in no argument list, environment or log" ca_lab_says_nothing_of "$file"
done
check "nor is one in the front, the state folder or the copy" find_secret --lines "$dir/sought" "pid:$front" "$CA_STATE" "$dir/copy" "$dir/adopted"
check "control: one in an environment is found" told
checks_end
