#!/usr/bin/env bash
# The CA is copied while it works, the copy is tampered with, the CA is lost and made again of the copy. usage: backup.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-backup.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
# As it is installed, where root runs this: front and vault are users of their own.
if [ "$(id -u)" = 0 ]; then
	export CA_LAB_SERVICE_USERS="proxy uucp"
fi

backup() { "$DIRCA_BIN/dirca" backup -c "$DIRCAD_CONF" "$@"; }
verify() { "$DIRCA_BIN/dirca" backup verify "$@"; }
restore() { "$DIRCA_BIN/dirca" restore -c "$DIRCAD_CONF" "$@"; }
db() { "$DIRCA_BIN/dirca" db "$1" -c "$DIRCAD_CONF" "${@:2}"; }
crl_number() { curl -sf "$CA_HTTP_URL/dirca/$CA_NAME.crl" | openssl crl -inform DER -noout -crlnumber | sed 's/.*=0x//'; }
revoked() { curl -sf "$CA_HTTP_URL/dirca/$CA_NAME.crl" | openssl crl -inform DER -noout -text | grep -qi "Serial Number: *$1"; }
# recipient NAME KIND USAGE: NAME.key and NAME.crt.
recipient() {
	# shellcheck disable=SC2086 # rsa:2048, or ec with its curve
	openssl req -x509 -newkey $2 -nodes -keyout "$dir/$1.key" -out "$dir/$1.crt" -subj "/CN=$1" -days 30 \
		-addext "keyUsage=critical,$3" 2>/dev/null
}
opens() { # TOKEN PFX: a KRA opens what the CA archived, and it is that key.
	rm -f "$dir/blob"
	ca_lab_as officer1 getkey "$1" "$dir/blob" >/dev/null &&
		ca_lab_opens "$dir/blob" "$dir/kra1.pfx" "$2"
}

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "one KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
ca_lab_no_quota
check "an archived key" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "a certificate that is revoked" ca_lab_enroll user2 User "$dir/user2.pfx"
serial=$(ca_lab_serial_of "$dir/user2.pfx")
check "and is in the CRL" ca_lab_as officer1 revoke "$serial" --yes

# ---- the copy ----
check "no copy without somebody to encrypt it to" refuses DIRCA_E_CONFIG backup "$dir/none"
check "recipients" recipient first rsa:2048 keyEncipherment
check "recipients: an elliptic curve" recipient second "ec -pkeyopt ec_paramgen_curve:P-256" keyAgreement
recipient signer rsa:2048 digitalSignature
cat "$dir/first.crt" "$dir/second.crt" >"$dir/recipients.pem"
echo "backup_recipients = $dir/signer.crt" >>"$DIRCAD_CONF"
check "nor to a key that only signs" refuses CERT_E_WRONG_USAGE backup "$dir/none"
sed -i "s|^backup_recipients = .*|backup_recipients = $dir/recipients.pem|" "$DIRCAD_CONF"
chmod go-w "$dir/recipients.pem"

# Certificates are issued all the while.
keeps_enrolling() {
	local n=0
	while [ ! -e "$dir/enough" ]; do
		ca_lab_enroll user3 User "$dir/meanwhile$((++n)).pfx" >/dev/null || return 1
	done
	echo "$n" >"$dir/issued"
}
made_while_issuing() {
	local status enrolling
	keeps_enrolling &
	enrolling=$!
	backup "$dir/copy"
	status=$?
	touch "$dir/enough"
	wait "$enrolling" && [ "$status" -eq 0 ] && [ "$(<"$dir/issued")" -ge 1 ]
}
check "a copy is made while certificates are issued" made_while_issuing
only_owner() { [ "$(stat -c %a "$1")" = 700 ] && [ -z "$(find "$1" -type f -perm /077)" ]; }
check "for nobody else to read" only_owner "$dir/copy"
# shellcheck disable=SC2086 # no user, or the front's
lock_is_roots() {
	[ "$(id -u)" -ne 0 ] || refuses 'Permission denied' setpriv --reuid=${CA_LAB_SERVICE_USERS%% *} --clear-groups \
		flock --nonblock "$CA_STATE/trust/backup.lock" true
}
check "nor can the front keep others from making one" lock_is_roots
check "not twice into one folder" refuses ERROR_FILE_EXISTS backup "$dir/copy"
no_secrets() {
	! grep -rlE 'PRIVATE KEY' "$dir/copy" && [ -z "$(find "$dir/copy" -name 'xchg-*')" ] &&
		[ ! -e "$CA_STATE/dirca.db.copy" ] && [ ! -e "$dir/copy.part" ]
}
check "no private key is in it in plain, no exchange key at all" no_secrets
gives_back() { # RECIPIENT
	openssl cms -decrypt -inform DER -in "$dir/copy/state/vault/ca.key.p7m" -recip "$dir/$1.crt" -inkey "$dir/$1.key" |
		cmp - "$CA_STATE/vault/ca.key"
}
check "OpenSSL opens the CA key for the first recipient" gives_back first
check "and for the second" gives_back second
signed_by_the_ca() {
	openssl cms -verify -binary -inform DER -in "$dir/copy/manifest.p7m" -CAfile "$CA_STATE/ca.crt" -purpose any -out "$dir/list" &&
		jq -e '.files | length > 5' "$dir/list"
}
check "and takes the list for the CA's" signed_by_the_ca
check "verified" verify "$dir/copy" --ca "$CA_STATE/ca.crt"
check "as JSON" eval "verify '$dir/copy' --json | jq -e '.ca == \"$CA_NAME\" and .files > 5'"
check "another CA is told apart, and the copy named" refuses "$dir/copy: the copy is signed by none" verify "$dir/copy" --ca "$dir/first.crt"
both_ends() { ca_lab_as auditor audit log >"$dir/log" && grep 'a backup was begun: uid=' "$dir/log" && grep 'a backup was made: uid=' "$dir/log"; }
check "the audit trail has both ends" both_ends

# ---- the copy is tampered with ----
# tampered NAME COMMAND: verify refuses what COMMAND does to a copy of the copy, and names NAME.
tampered() {
	local name=$1 status
	shift
	rm -rf "$dir/evil" && cp -a "$dir/copy" "$dir/evil" || return 1
	(cd "$dir/evil" && eval "$*") || return 1
	verify "$dir/evil" --ca "$CA_STATE/ca.crt" >"$dir/evil.out" 2>&1
	status=$?
	cat "$dir/evil.out"
	[ "$status" -ne 0 ] && grep -qF "$name" "$dir/evil.out"
}
kra_file=$(basename "$(find "$dir/copy/state/kra" -name '*.crt' | head -1)")
# shellcheck disable=SC2016 # for eval
check "a changed database is seen" tampered state/dirca.db 'damage state/dirca.db 5000'
check "a shorter one" tampered state/dirca.db 'truncate -s -1 state/dirca.db'
check "a KRA in place of another" tampered "state/kra/$kra_file" "cp '$dir/first.crt' 'state/kra/$kra_file'"
check "a journal that was cut" tampered state/vault/journal 'truncate -s -104 state/vault/journal'
check "a sealed key that was exchanged" tampered ca.key.p7m 'cp state/tls.key.p7m state/vault/ca.key.p7m'
check "a certificate that is gone" tampered state/ca.crt 'rm state/ca.crt'
check "another list" tampered manifest.p7m 'damage manifest.p7m 400'
check "no list" tampered manifest.p7m 'rm manifest.p7m'
of_another() {
	openssl cms -sign -binary -nodetach -in "$dir/list" -signer "$dir/signer.crt" -inkey "$dir/signer.key" -outform DER \
		-econtent_type "$(openssl asn1parse -inform DER -in "$dir/copy/manifest.p7m" | sed -n 's/.*OBJECT *:\(1\.2\.840\.113556.*\)/\1/p' | head -1)" \
		-out manifest.p7m
}
check "a list that somebody else signed" tampered CERT_E_UNTRUSTEDROOT of_another
rm -rf "$dir/evil"

# ---- the CA is lost ----
check "after the copy: another key" ca_lab_enroll user4 EFSArchive "$dir/user4.pfx"
check "and newer CRLs" eval "ca_lab_as caadmin crl && ca_lab_as caadmin crl"
number=$((16#$(crl_number)))
check "the database is sound" says "is sound" db check
check "also for a script" eval "db check --json | jq -e '.sound and .findings == []'"
check "its size" eval "db stats --json | jq -e '.archived_keys == 2 and .requests > 5 and .bytes > .free_bytes'"
check "its version is this program's" eval "db version --json | jq -e '.database == .program and (.due | not)'"
check "a migration is tried on a copy" says "A copy, which is gone again" db migrate --dry-run
no_trial_is_left() { ! find "$CA_STATE" -name '*trial*' | grep .; }
check "of which nothing is left" no_trial_is_left
check "none while the CA runs" refuses "another dircad runs" db migrate
check "no vacuum while the CA runs" refuses "another dircad runs" db vacuum
cp "$CA_STATE/ca.crt" "$dir/ca.crt"
ca_lab_dircad_stop
check "a vacuum while it does not" db vacuum
check "nothing is restored over a CA" refuses ERROR_FILE_EXISTS restore "$dir/copy" --recipient "$dir/first.key" --ca "$dir/ca.crt"
mv "$CA_STATE" "$dir/lost"

check "who is asked and does not answer gets nothing" refuses DIRCA_E_USAGE restore "$dir/copy" --recipient "$dir/first.key" </dev/null
check "another's key does not open it" refuses DIRCA_E_KEY_MISMATCH restore "$dir/copy" --recipient "$dir/signer.key" --ca "$dir/ca.crt"
evil_kra() {
	rm -rf "$dir/evil" && cp -a "$dir/copy" "$dir/evil" && cp "$dir/first.crt" "$dir/evil/state/kra/$(printf '%040d' 7).crt" &&
		damage "$dir/evil/state/dirca.db" 5000 &&
		refuses DIRCA_E_BACKUP restore "$dir/evil" --recipient "$dir/first.key" --ca "$dir/ca.crt" && [ ! -e "$CA_STATE" ]
}
check "nothing is made of a copy that was changed" evil_kra
renamed() {
	sed 's/^ca_name = .*/ca_name = Another CA/' "$DIRCAD_CONF" >"$dir/renamed.conf"
	refuses DIRCA_E_CONFIG "$DIRCA_BIN/dirca" restore -c "$dir/renamed.conf" "$dir/copy" --recipient "$dir/first.key" --ca "$dir/ca.crt"
}
check "nor of another CA's" renamed
# Killed wherever it is, it leaves no CA, or a whole one.
killed() {
	local pause
	for pause in 0.01 0.03 0.06 0.1 0.2; do
		"$DIRCA_BIN/dirca" restore -c "$DIRCAD_CONF" "$dir/copy" --recipient "$dir/first.key" --ca "$dir/ca.crt" >"$dir/killed.out" 2>&1 &
		sleep "$pause"
		kill -KILL $! 2>/dev/null
		wait $! 2>/dev/null
		[ ! -e "$CA_STATE" ] || { [ -s "$CA_STATE/dirca.db" ] && [ -s "$CA_STATE/vault/ca.key" ] && mv "$CA_STATE" "$dir/whole-$pause"; } ||
			return 1
	done
}
check "a restore that is killed leaves nothing half" killed
# One of them restores, the others are told so or come too late.
at_once() {
	local i pids=() good=0
	for ((i = 0; i < 4; i++)); do
		"$DIRCA_BIN/dirca" restore -c "$DIRCAD_CONF" "$dir/copy" --recipient "$dir/first.key" --ca "$dir/ca.crt" >"$dir/at-once.$i" 2>&1 &
		pids+=($!)
	done
	for ((i = 0; i < 4; i++)); do
		if wait "${pids[i]}"; then
			good=$((good + 1))
		else
			grep -E 'DIRCA_E_CHANGED|ERROR_FILE_EXISTS' "$dir/at-once.$i" || return 1
		fi
	done
	[ "$good" -eq 1 ] && [ -s "$CA_STATE/ca.crt" ] && [ ! -e "$CA_STATE.restoring" ] && rm -rf "$CA_STATE"
}
check "nor do several at once" at_once
cp "$dir/first.crt" "$dir/copy/state/kra/$(printf '%040d' 7).crt"
check "restored, whoever added a file to the copy" restore "$dir/copy" --recipient "$dir/second.key" --ca "$dir/ca.crt"
same_modes() {
	diff <(cd "$dir/lost" && find . ! -name 'dirca.db*' ! -name 'xchg-*' ! -name backup.lock ! -name kra-enabled.lock ! -name dircad.pid -printf '%P %m %U %G\n' | sort) \
		<(cd "$CA_STATE" && find . ! -name 'dirca.db*' -printf '%P %m %U %G\n' | sort)
}
check "with the files, modes and owners that it had, and no other" same_modes
check "and starts" ca_lab_dircad_start
check "it answers" ca_lab_eventually ca_lab_is_ready
check "a key from before the copy is recovered" opens user1@nwtraders.com "$dir/user1.pfx"
check "what was revoked is in its CRL" revoked "$serial"
newer() { [ $((16#$(crl_number))) -gt "$number" ]; }
check "whose number is above all that were published" ca_lab_eventually newer
check "a key from after the copy is not there" refuses CRYPT_E_NOT_FOUND ca_lab_as officer1 getkey user4@nwtraders.com
check "keys are archived again" ca_lab_enroll user4 EFSArchive "$dir/user4b.pfx"
check "and recovered" opens user4@nwtraders.com "$dir/user4b.pfx"
check "the audit trail holds, and says what happened" eval "ca_lab_as auditor audit log | grep -q 'the CA was restored from a backup'"
check "the database is sound again" says "is sound" db check
compared() { "$DIRCA_BIN/dirca" audit compare -c "$DIRCAD_CONF" --json | jq -e '.stored_only == [] and .signed_only == []'; }
check "vault and database agree" ca_lab_eventually compared
ca_lab_dircad_stop

# ---- on another host ----
elsewhere() {
	sed -e "s|^state_dir = .*|state_dir = $dir/elsewhere|" -e 's/^host = .*/host = ca2.nwtraders.com/' "$DIRCAD_CONF" >"$dir/elsewhere.conf"
	"$DIRCA_BIN/dirca" restore -c "$dir/elsewhere.conf" "$dir/copy" --recipient "$dir/first.key" --yes &&
		openssl x509 -in "$dir/elsewhere/tls.crt" -noout -checkhost ca2.nwtraders.com | grep -q 'does match' &&
		openssl verify -CAfile "$dir/ca.crt" "$dir/elsewhere/tls.crt"
}
check "on another host the service has a certificate for its name" elsewhere

checks_end
