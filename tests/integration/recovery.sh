#!/usr/bin/env bash
# Every archived key stays reachable: KRAs that are renewed, removed, damaged, another CA's; requesters who are gone; other CAs that do
# not answer. All of it on a CA whose name no DN and no URL takes as it is.
# usage: recovery.sh LIBRARY LIBRARY (exec_shim, name_shim)
# shellcheck disable=SC2317,SC2016 # the functions are called through check, and eval expands what it is given
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-recovery.XXXXXX)
finish() {
	[ -z "$holder" ] || kill "$holder"
	[ -z "$web" ] || kill "$web"
	[ -z "$silent" ] || kill "$silent"
	ca_lab_stop
	checks_clean "$dir"
}
exec_shim=${1:?the library} name_shim=${2:?the library}
holder=
web=
silent=
checks_begin "$dir"
trap finish EXIT

officer() { ca_lab_as officer1 "$@"; }
# fetch OUT TOKEN [OPTION...]: the BLOB and the hashes of the certificates of those who can open it.
fetch() { officer getkey "$2" "$1" --json "${@:3}" >"$1.json" && jq -e '[.recipients[].certificate_hash] | all' "$1.json"; }
sealed_to() { jq -r '.recipients[].certificate_hash' "$1.json"; }

CA_LAB_OPTIONS='crl_http = local
'
check "a CA" ca_lab_start "$dir" scram rsa2048 'Köln CA #2 (2026)'
[ "$CHECKS_BAD" -eq 0 ] && check "three KRAs" ca_lab_kras 3
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- names ----
crl_at() { curl -sf "$CA_HTTP_URL/dirca/$1.crl" | openssl crl -inform DER -noout; }
points_to_crl() {
	local url
	url=$(ca_lab_certificate_of "$1" | openssl x509 -noout -ext crlDistributionPoints | sed -n 's/^ *URI:\(http.*\)/\1/p') &&
		curl -sf "$url" | openssl crl -inform DER -noout
}
check "keys are archived by discovery" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "and by the CA's name" ca_lab_enroll user2 EFSArchive "$dir/user2.pfx" --ca "$CA_NAME"
check "the CRL is there by the name" crl_at "$(ca_lab_in_url "$CA_NAME")"
check "and by the one of DNs" crl_at "$(ca_lab_in_url 'K!00f6ln CA !00232 !00282026!0029')"
check "where certificates say" points_to_crl "$dir/user1.pfx"
check "people are shown the name" says "$CA_NAME" ca_lab_as user1 cas
check "everywhere" says "\\$CA_NAME\"" officer getkey user1@nwtraders.com "$dir/named.rec"

# ---- one KRA, renewed and removed ----
check "one KRA for each key" ca_lab_count_kras 1
check "a key" ca_lab_enroll user1 EFSArchive "$dir/key.pfx"
check "is fetched" fetch "$dir/key.rec" "$(ca_lab_serial_of "$dir/key.pfx")"
winner=0
for i in 1 2 3; do
	[ "$(ca_lab_sha1 "$dir/kra$i.crt")" != "$(sealed_to "$dir/key.rec")" ] || winner=$i
done
check "of one of the three" test $winner -ne 0
check "who opens it" ca_lab_opens "$dir/key.rec" "$dir/kra$winner.pfx" "$dir/key.pfx"
# ---- by hand, on a machine without a network ----
kra=$dir/kra$winner.pfx pass=$(head -1 "$(ca_lab_pass)")
# A network namespace of its own, where the kernel gives one; else no socket is made, as strace sees it.
alone=()
if unshare -n true 2>/dev/null; then
	alone=(unshare -n)
elif unshare -rn true 2>/dev/null; then
	alone=(unshare -rn)
elif strace -f -e trace=socket true 2>/dev/null; then
	alone=(strace -f -qq -o "$dir/sockets" -e trace="socket,connect")
else
	echo "SKIPPED: neither unshare -n nor strace can be had here: that recovery needs no network is not shown"
fi
by_hand() { # STEPS ARGUMENT...: of dirca recoverkey, at a terminal; no password is seen
	HOME=$dir/nobody "$here/../support/by_hand.py" "$1
shows not $pass
shows not hand-Secret" -- "${alone[@]}" "$DIRCA_BIN/dirca" recoverkey "${@:2}" && ! grep -E 'AF_INET|AF_UNIX' "$dir/sockets" 2>/dev/null
}
kra_typed="sees Password of $kra: 
types $pass"
user_asked="sees Password for the user's file:"
wrong="$user_asked 
types hand-Secret
sees Again: 
types hand-Secre"
by_hand_makes() { # FILE STEPS: a PKCS#12 with the password that was typed
	by_hand "$2" "$dir/key.rec" "$1" --kra "$kra" && [ "$(stat -c %a "$1")" = 600 ] &&
		[ "$(openssl pkcs12 -in "$1" -passin pass:hand-Secret -nocerts -nodes | openssl pkey)" = "$(ca_lab_key_of "$dir/key.pfx")" ]
}
by_hand_leaves_nothing() { # STEPS
	by_hand "$1" "$dir/key.rec" "$dir/nothing.pfx" --kra "$kra" && [ -z "$(find "$dir" -maxdepth 1 -name 'nothing*')" ]
}
check "a KRA recovers by hand, without a network" by_hand_makes "$dir/hand.pfx" "$kra_typed
$wrong
sees The two differ. Once more.
$user_asked
types hand-Secret
sees Again: 
types hand-Secret
sees Retrieved by:
sees $dir/hand.pfx written
ends 0"
check "who types it wrong three times has nothing" by_hand_leaves_nothing "$kra_typed
$wrong
$wrong
$wrong
sees the two passwords differ
ends 1"
check "nor has who types Ctrl-C at the first question" by_hand_leaves_nothing "sees Password of
presses C
dies 2"
check "at the second" by_hand_leaves_nothing "$kra_typed
$user_asked
presses C
dies 2"
check "at the third" by_hand_leaves_nothing "$kra_typed
$user_asked
types hand-Secret
sees Again:
presses C
dies 2"
check "or Ctrl-\\" by_hand_leaves_nothing "sees Password of
presses \\
dies 3"
check "who goes away for a while is asked anew" by_hand_makes "$dir/later.pfx" "sees Password of
presses Z
goes on
$kra_typed
$user_asked
types hand-Secret
sees Again:
types hand-Secret
ends 0"

# ---- whatever the key lies in, whatever is made of it ----
kra_words=(--kra-password-file "$(ca_lab_pass)" --out-password-file "$(ca_lab_pass)")
recover() { "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" "$@" "${kra_words[@]}"; }
is_the_key() { [ "$(openssl pkey -in "$1" -passin "file:$(ca_lab_pass)")" = "$(ca_lab_key_of "$dir/key.pfx")" ]; }
made() { # FILE OPTION...: PEM
	rm -f "$1" && recover "$1" --format pem "${@:2}" && is_the_key "$1"
}
ca_lab_key_of "$kra" >"$dir/kra.pem"
openssl pkcs8 -topk8 -in "$dir/kra.pem" -passout "file:$(ca_lab_pass)" -out "$dir/kra-sealed.pem"
openssl pkcs8 -topk8 -in "$dir/kra.pem" -passout "file:$(ca_lab_pass)" -outform DER -out "$dir/kra-sealed.p8"
openssl pkcs8 -topk8 -nocrypt -in "$dir/kra.pem" -outform DER -out "$dir/kra.p8"
mkdir "$dir/kra-keys"
for i in 1 2 3; do cp "$dir/kra$i.pfx" "$dir/kra-keys"; done
echo nothing >"$dir/kra-keys/README"
three_in_one() {
	local i
	for i in 1 2 3; do ca_lab_key_of "$dir/kra$i.pfx" && ca_lab_certificate_of "$dir/kra$i.pfx" || return 1; done >"$dir/three.pem"
}
check "three keys in one file" three_in_one
check "one of which opens it" made "$dir/out.pem" --kra "$dir/three.pem" --ca "$CA_STATE/ca.crt"
check "an encrypted PEM does" made "$dir/out.pem" --kra "$dir/kra-sealed.pem" --ca "$CA_STATE/ca.crt"
check "so does an encrypted PKCS#8" made "$dir/out.pem" --kra "$dir/kra-sealed.p8" --ca "$CA_STATE/ca.crt"
check "and PKCS#8, without any certificate" made "$dir/out.pem" --kra "$dir/kra.p8" --ca "$CA_STATE/ca.crt"
check "of three files the right one" made "$dir/out.pem" --kra "$dir/kra1.pfx" --kra "$dir/kra2.pfx" --kra "$dir/kra3.pfx"
check "and of a folder" made "$dir/out.pem" --kra "$dir/kra-keys"
check "what in it is no key is told" says 'kra-keys/README' made "$dir/out.pem" --kra "$dir/kra-keys"
mine=$dir/kra-home/.config/dirca/kra
at_home() { HOME=$dir/kra-home "$@"; }
check "without a key of his" refuses 'put them into ~/.config/dirca/kra' at_home recover "$dir/no.pem"
mkdir -p "${mine%/*}" && mkdir -m 700 "$mine"
for i in 1 2 3; do cp "$dir/kra$i.pfx" "$mine"; done
chmod 600 "$mine"/*
echo nothing >"$mine/.README"
check "with those in the place of his own" at_home made "$dir/out.pem"
typed_once() {
	HOME=$dir/kra-home "$here/../support/by_hand.py" "sees Password of $mine/kra1.pfx:
types $pass
sees Password for the user's file:
types hand-Secret
sees Again:
types hand-Secret
ends 0
shows not kra2.pfx" -- "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" "$dir/once.pfx"
}
check "one password is asked for once" typed_once
chmod 750 "$mine"
check "which is his alone" refuses 'dirca/kra: others than its owner' at_home recover "$dir/no.pem"
chmod 700 "$mine"
chmod 640 "$mine/kra2.pfx"
check "with everything in it" refuses 'kra2.pfx: others than its owner' at_home recover "$dir/no.pem"
chmod 600 "$mine"/*
if [ "$(id -u)" = 0 ]; then
	chown 65534 "$mine/kra3.pfx"
	check "and nobody else's" refuses 'kra3.pfx: belongs to user 65534' at_home recover "$dir/no.pem"
	chown 0 "$mine/kra3.pfx"
fi
check "whose CA nobody named is not believed" refuses CERT_E_UNTRUSTEDROOT recover "$dir/no.pem" --kra "$dir/kra.p8"
check "two passwords for three files are none" refuses DIRCA_E_USAGE recover "$dir/no.pem" --kra "$dir/kra1.pfx" --kra "$dir/kra2.pfx" \
	--kra "$dir/kra3.pfx" --kra-password-file "$(ca_lab_pass)"
chain_of() { grep -c 'BEGIN CERTIFICATE' "$1"; }
check "with its chain" test "$(chain_of "$dir/out.pem")" = 2
to_nowhere() { # a pipe, whose words are elsewhere
	recover - --kra "$kra" --format pkcs8 --plain 2>"$dir/words" | openssl pkey >"$dir/piped" && [ "$(<"$dir/piped")" = "$(ca_lab_key_of "$dir/key.pfx")" ] &&
		grep -q 'Retrieved by' "$dir/words"
}
check "the key alone goes to a pipe" to_nowhere
check "not to a terminal" says 'standard output is a terminal' "$here/../support/by_hand.py" 'ends 2' -- "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" - --kra "$kra"
legacy() {
	recover "$dir/legacy.pfx" --kra "$kra" --legacy && openssl pkcs12 -in "$dir/legacy.pfx" -passin "file:$(ca_lab_pass)" -info -noout 2>&1 | tee /dev/stderr |
		grep -q 'MAC: sha1'
}
check "PKCS#12 as old programs read it" legacy
check "no PKCS#12 without a password" refuses DIRCA_E_USAGE recover "$dir/no.pfx" --kra "$kra" --plain
ln -s "$dir/out.pem" "$dir/link.pfx" && mkfifo "$dir/fifo.pfx"
for name in link fifo; do
	check "a $name is not written over" refuses DIRCA_E_IO recover "$dir/$name.pfx" --kra "$kra" --force
done
check "nor a device" refuses DIRCA_E_IO recover /dev/null --kra "$kra" --force
check "what is there is not, without --force" refuses ERROR_FILE_EXISTS recover "$dir/hand.pfx" --kra "$kra"
papers() {
	recover "$dir/papers.pfx" --kra "$kra" --receipt "$dir/receipt.json" --sheet "$dir/sheet.txt" && cat "$dir/sheet.txt" &&
		jq -e --arg b "$(sha256sum <"$dir/key.rec" | cut -c1-64)" --arg o "$(sha256sum <"$dir/papers.pfx" | cut -c1-64)" \
			'.blob.sha256 == $b and .output.sha256 == $o and .output.encrypted and (.retrieval.officer | test("officer1")) and
			(.opened_by.subject | test("kra")) and .certificate.serial_number != null' "$dir/receipt.json" &&
		grep -q "SHA-256: $(sha256sum <"$dir/papers.pfx" | cut -c1-64)" "$dir/sheet.txt" &&
		! grep -F "$pass" "$dir/receipt.json" "$dir/sheet.txt"
}
check "a receipt, and a page to hand over, without the password" papers
no_receipt() { # one of the files cannot be written: no other is left
	rm -f "$dir/half.pfx" && refuses DIRCA_E_IO recover "$dir/half.pfx" --kra "$kra" --sheet "$dir/half.txt" --receipt "$dir/no-folder/r.json" &&
		[ ! -e "$dir/half.pfx" ] && [ ! -e "$dir/half.txt" ]
}
check "all of them or none" no_receipt
check "whose key it is, and who can open it" says 'Recipient Info[0]:' "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" --ca "$CA_STATE/ca.crt"
check "and that it can be believed" says 'of a CA that you trust' "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" --ca "$CA_STATE/ca.crt"
check "or not" fails_with 4 env HOME="$dir/nobody" "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec"
shown() { # STATUS FILTER ARGUMENT...: what --json says
	local got
	got=$(HOME=$dir/nobody "$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" --json "${@:3}")
	[ $? = "$1" ] && jq -e "$2" <<<"$got"
}
check "to programs too" shown 0 '.verified and .code == null and (.recipients | length > 0 and all(.certificate.subject | test("kra"))) and
	.retrieval.officer != null and .signed_by.subject != null and .cipher != null' --ca "$CA_STATE/ca.crt"
check "and why not" shown 4 '(.verified | not) and .code == "CERT_E_UNTRUSTEDROOT" and .reason != null'
check "of a key that is recovered a receipt tells" refuses DIRCA_E_USAGE recover "$dir/json.pfx" --kra "$kra" --json
check "what holds no private key is no form of it" refuses DIRCA_E_USAGE recover "$dir/json.p7b" --kra "$kra" --format p7b
by_fd() {
	"$DIRCA_BIN/dirca" recoverkey "$dir/key.rec" "$dir/fd.pfx" --kra "$kra" --kra-password-file fd:5 --out-password-file fd:5 \
		5< <(echo "$pass" && echo hand-Secret) && openssl pkcs12 -in "$dir/fd.pfx" -passin pass:hand-Secret -noout
}
check "both passwords by one descriptor, line by line" by_fd

check "and renews with the same key" ca_lab_enroll_approved "kra$winner" KeyRecoveryAgent "$dir/renewed.pfx" --same-key \
	--renew "$dir/kra$winner.pfx" --renew-password-file "$(ca_lab_pass)"
ca_lab_certificate_of "$dir/renewed.pfx" >"$dir/renewed.crt"
check "and opens it with the new certificate" ca_lab_opens "$dir/key.rec" "$dir/renewed.pfx" "$dir/key.pfx"
check "which is added" ca_lab_kra add "$dir/renewed.crt"
check "and makes no fourth agent" refuses "3 are usable" ca_lab_kra count 4
check "whoever writes it by hand" ca_lab_count_by_hand 4
check "so that four are not there" refuses CERTSRV_E_NO_VALID_KRA ca_lab_enroll user1 EFSArchive "$dir/four.pfx"
check "which the status says too" refuses CERTSRV_E_NO_VALID_KRA ca_lab_as caadmin kra status
check "one again" ca_lab_count_kras 1
kra_status() {
	local answer
	answer=$(ca_lab_as caadmin kra status --json) && echo "$answer" && jq -e "$1" <<<"$answer"
}
check "three of the four count" kra_status '.required == 1 and .usable == 3 and (.kras | length) == 4 and all(.kras[]; .status == "valid" and .days_left > 300)'
check "and each is told what hangs on it" kra_status "([.kras[].archived_keys] | add) == $(sqlite3 "$CA_STATE/dirca.db" "SELECT sum(length(KeyRecoveryHashes) + 1) / 60 FROM Request")"
# ---- one that is revoked ----
kra_is() { ca_lab_status ".kras | any(.certificate_hash == \"$(ca_lab_sha1 "$1")\" and .status == \"$2\")"; }
other=$((winner % 3 + 1))
check "a KRA is put on hold" ca_lab_as officer1 revoke "$(ca_lab_serial_of "$dir/kra$other.pfx")" --reason certificateHold
check "and no longer used, at once" kra_is "$dir/kra$other.crt" revoked
check "so that three are too many" ca_lab_count_by_hand 3
check "to be found" refuses CERTSRV_E_NO_VALID_KRA ca_lab_enroll user1 EFSArchive "$dir/revoked.pfx"
check "which an event tells" says 'is revoked' ca_lab_as caadmin events
check "others are served" ca_lab_enroll user1 User "$dir/hold.pfx"
check "it is taken from hold" ca_lab_as officer1 unrevoke "$(ca_lab_serial_of "$dir/kra$other.pfx")"
check "and used again" kra_is "$dir/kra$other.crt" valid
check "with the others" ca_lab_enroll user1 EFSArchive "$dir/again3.pfx"
check "one for each key again" ca_lab_count_kras 1

# ---- what their programs read ----
reads_all() { # WORD
	local file
	for file in "$dir"/kra[123].crt "$dir/renewed.crt"; do
		ca_lab_kra enable --reader "$1" "$(ca_lab_sha1 "$file")" || return 1
	done
}
# To another reader too, by the key of whoever it was sealed to.
openssl_opens() { # BLOB
	local i kra=$dir/renewed.pfx
	for i in 1 2 3; do
		[ "$(ca_lab_sha1 "$dir/kra$i.crt")" != "$(sealed_to "$1")" ] || kra=$dir/kra$i.pfx
	done
	openssl cms -verify -noverify -inform DER -in "$1" -out "$dir/sealed.der" &&
		ca_lab_key_of "$kra" >"$dir/kra.key" && ca_lab_certificate_of "$kra" >"$dir/kra.crt" &&
		openssl cms -decrypt -inform DER -in "$dir/sealed.der" -recip "$dir/kra.crt" -inkey "$dir/kra.key" -out "$dir/blob" &&
		[ "$(head -c 4 "$dir/blob" | od -An -tx1)" = ' 07 02 00 00' ] && ca_lab_opens "$1" "$kra" "$2"
}
check "by default RSA-OAEP and AES-CBC" says 'EnvelopedData, AES-256-CBC' "$DIRCA_BIN/dirca" dump "$dir/key.rec"
check "which another program opens" openssl_opens "$dir/key.rec" "$dir/key.pfx"
check "what none reads is no word" refuses DIRCA_E_USAGE ca_lab_kra enable --reader cbc "$(ca_lab_sha1 "$dir/kra1.crt")"
check "less than root's floor is refused" refuses archive_floor ca_lab_kra enable --reader pkcs1 "$(ca_lab_sha1 "$dir/kra1.crt")"
check "all of them read GCM" reads_all gcm
check "which the status says" ca_lab_eventually ca_lab_status 'all(.kras[]; .reader == "gcm")'
check "people read it too" says '  gcm     ' ca_lab_as caadmin kra status
check "a CA exchange key on a curve" ca_lab_as caadmin setreg 'CA\EncryptionCSP\CNGPublicKeyAlgorithm' ECDH_P384
on_curve() { [ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT PublicKeyLength FROM Request WHERE RequestFlags & 8 ORDER BY RequestID DESC LIMIT 1")" = 384 ]; }
check "which is made at once" on_curve
check "encrypt a key to" ca_lab_enroll user1 EFSArchive "$dir/gcm.pfx"
check "is fetched" fetch "$dir/gcm.rec" "$(ca_lab_serial_of "$dir/gcm.pfx")"
check "as AuthEnvelopedData" says 'AuthEnvelopedData, AES-256-GCM' "$DIRCA_BIN/dirca" dump "$dir/gcm.rec"
check "which another program opens as well" openssl_opens "$dir/gcm.rec" "$dir/gcm.pfx"
with_floor() { # JQ [LINE...]: of what keys are sealed with, as if root had written these lines
	{ cat "$DIRCAD_CONF" && printf '%s\n' "${@:2}"; } >"$dir/floor.conf"
	"$DIRCA_BIN/dirca" db sealed -c "$dir/floor.conf" --json >"$dir/sealed.json"
	[ $? -eq "$([ $# -eq 1 ] && echo 0 || echo 4)" ] && jq -e "$1" "$dir/sealed.json"
}
gcm_request=$(sqlite3 "$CA_STATE/dirca.db" "SELECT max(RequestID) FROM RequestBlob WHERE RawArchivedKey IS NOT NULL")
check "no key is below the floor" with_floor '.below_floor == [] and .unreadable == 0 and ([.sealed[] | select(.cipher == "AES-256-GCM")][0].keys == 1)'
check "were it higher, all but that one" with_floor "(.below_floor | length) == ([.sealed[].keys] | add) - 1 and (.below_floor | index($gcm_request)) == null" 'archive_floor = gcm'

# ---- every archived key, unopened ----
verified() { "$DIRCA_BIN/dirca" verifykeys -c "$DIRCAD_CONF" --json >"$dir/verified.json"; }
check "each is sealed to whom its row names" eval 'verified && jq -e ".bad == 0 and .keys > 2 and all(.agents[]; .known)" "$dir/verified.json"'
asked() { ca_lab_as auditor archive verify --json "$@" >"$dir/asked.json"; }
asked_is() { jq -e --slurpfile l "$dir/verified.json" "$1" "$dir/asked.json"; }
check "an auditor has the CA do it" eval 'asked && asked_is ".keys == \$l[0].keys and .bad == 0 and .next == null and ([.agents[].keys] | add) == ([\$l[0].agents[].keys] | add)"'
by_parts() { # two keys, and from there on the rest
	asked --limit 2 && asked_is '.keys == 2 and .next != null' && asked --after "$(jq .next "$dir/asked.json")" && asked_is '.keys == $l[0].keys - 2'
}
check "in parts, which go on" by_parts
check "not for a certificate manager" refuses E_ACCESSDENIED officer archive verify
check "in words, too" says "something is wrong with 0" "$DIRCA_BIN/dirca" verifykeys -c "$DIRCAD_CONF"
named_otherwise() { # STATUS: as if the row named other agents than the key is sealed to; then put back
	local old
	old=$(sqlite3 "$CA_STATE/dirca.db" "SELECT KeyRecoveryHashes FROM Request WHERE RequestID = $gcm_request") || return 1
	sqlite3 "$CA_STATE/dirca.db" ".timeout 5000" "UPDATE Request SET KeyRecoveryHashes = '${2:-$(printf '%s' "$old" | head -1 | tr 0-9a-f 1-9a-f0)}' WHERE RequestID = $gcm_request"
	verified
	[ $? -eq "$1" ] && jq -e ".bad == 1 and .findings[0].request_id == $gcm_request" "$dir/verified.json" && { asked; [ $? -eq "$1" ]; } &&
		asked_is '.bad == 1 and .findings == $l[0].findings' && fails_with "$1" ca_lab_as caadmin archive verify
	local status=$?
	sqlite3 "$CA_STATE/dirca.db" ".timeout 5000" "UPDATE Request SET KeyRecoveryHashes = '$old' WHERE RequestID = $gcm_request" && return $status
}
check "one whose row names somebody unknown is found" named_otherwise 4
check "and one that names another agent" named_otherwise 4 "$(ca_lab_sha1 "$dir/skra.crt" 2>/dev/null | sed 's/../& /g; s/ $//' | grep . || printf '%040d' 0 | sed 's/../& /g; s/ $//')"
check "afterwards nothing" verified

# ---- somebody holds a lock on what everybody can open ----
# A user of the machine who is nobody's, and the front's: until the script ends.
hold() {
	local as=()
	[ "$(id -u)" -ne 0 ] || { as=(setpriv --reuid="$1" --clear-groups) && chmod 711 "$dir"; }
	"${as[@]}" flock --no-fork --shared "$CA_STATE/trust" sleep 900 &
	holder=$!
	ca_lab_eventually is_held
}
is_held() { ! flock --nonblock "$CA_STATE/trust" true; }
cannot_hold() { # USER: the lock that counts
	[ "$(id -u)" -ne 0 ] || refuses 'Permission denied' setpriv --reuid="$1" --clear-groups flock --nonblock "$CA_STATE/trust/kra-enabled.lock" true
}
check "a user locks the folder" hold nobody
check "root changes the list" timeout 20 "$DIRCA_BIN/dirca" kra count -c "$DIRCAD_CONF" 2
check "which is in force" ca_lab_eventually ca_lab_status '.kra_cert_count == 2'
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "nobody else can hold its lock" cannot_hold nobody
check "the front neither" cannot_hold proxy
check "one for each key again" ca_lab_count_kras 1

# ---- the list of those that keys are sealed to ----
audited() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 1795 AND Detail LIKE '$1'" | grep -qx "$2"; }
newest_is_used() { fetch "$dir/one.rec" "$(ca_lab_serial_of "$dir/one.pfx")" && [ "$(sealed_to "$dir/one.rec")" = "$(ca_lab_sha1 "$dir/renewed.crt")" ]; }
check "its changes are recorded" audited 'verb=kra count value=1 old=2' 2
check "also where somebody wrote it by hand" audited 'verb=kra count value=1 old=3' 1
check "as is the first" audited 'verb=kra add value=1 old=0' 1
check "and what programs read" audited 'verb=kra enable value=enabled,gcm old=enabled' 4
check "none is recorded that changes nothing" ca_lab_count_kras 1
check "as said" audited 'verb=kra count value=1 %' 4
# ---- who opens what ----
raised() { ca_lab_as caadmin events --all --number "$1" --json | jq -e 'length > 0'; }
coverage() { "$DIRCA_BIN/dirca" archive coverage -c "$DIRCAD_CONF" "$@"; }
covered() { coverage "${@:2}" --json >"$dir/coverage.json"; jq -e "$1" "$dir/coverage.json"; }
sealed_sets=$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(DISTINCT KeyRecoveryHashes) FROM Request")
check "each combination of agents is told of" covered ".combinations | length == $sealed_sets"
check "each key is counted once" covered "([.combinations[].keys] | add) == .keys and .keys == $(sqlite3 "$CA_STATE/dirca.db" 'SELECT sum(HasArchivedKey) FROM Request')"
check "who leaves takes what nobody else opens" covered '.lost == (.agents[] | select(.leaves) | .last) and .lost > 0 and (.requests | length) == .lost' \
	--without "$(ca_lab_sha1 "$dir/kra$winner.crt")" --list
check "all leave together" covered '.lost == .keys' --without "$(ca_lab_sha1 "$dir/renewed.crt")" --without "$(ca_lab_sha1 "$dir/kra$winner.crt")" \
	--without kra$((winner % 3 + 1)) --without kra$(((winner + 1) % 3 + 1))
check "which a script sees" refuses "Without them" coverage --without "$(ca_lab_sha1 "$dir/kra$winner.crt")"
check "an agent that there is not" refuses CRYPT_E_NOT_FOUND coverage --without nobody
# ---- keys that an agent seals to others ----
other=$((winner % 3 + 1)) third=$(((winner + 1) % 3 + 1))
archive() { "$DIRCA_BIN/dirca" archive "$1" -c "$DIRCAD_CONF" "${@:2}"; }
rewrap_of() { "$DIRCA_BIN/dirca" archive rewrap "$@" --kra "$dir/kra$winner.pfx" --kra-password-file "$(ca_lab_pass)"; }
rewrap() { rewrap_of "$@" --ca "$CA_STATE/ca.crt"; }
opens_now() { rm -f "$dir/now.rec" && fetch "$dir/now.rec" "$(ca_lab_serial_of "$dir/key.pfx")" && ca_lab_opens "$dir/now.rec" "$dir/kra$1.pfx" "$dir/key.pfx"; }
former() { sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM FormerKey'; }
exports() { archive export "$dir/batch" "$(ca_lab_sha1 "$dir/kra$winner.crt")" "$(ca_lab_sha1 "$dir/kra$other.crt")" >"$dir/export.out" && cat "$dir/export.out"; }
check "nobody is sealed to who is not enabled" refuses CERTSRV_E_NO_VALID_KRA archive export "$dir/batch" "$(ca_lab_sha1 "$dir/kra$winner.crt")" "$(printf '%040d' 0)"
check "and no file is left" eval '! compgen -G "$dir/batch*" >"$dir/left"'
interrupted() { # while another holds the database, so that it cannot have ended
	python3 - "$CA_STATE/dirca.db" "$dir/batch" "$DIRCA_BIN/dirca" archive export -c "$DIRCAD_CONF" "$dir/batch" \
		"$(ca_lab_sha1 "$dir/kra$winner.crt")" "$(ca_lab_sha1 "$dir/kra$other.crt")" <<-'END'
		import glob, signal, sqlite3, subprocess, sys, time
		held = sqlite3.connect(sys.argv[1], isolation_level=None)
		held.execute("BEGIN IMMEDIATE")
		run = subprocess.Popen(sys.argv[3:])
		while run.poll() is None and not glob.glob(sys.argv[2] + ".new-*"):
		    time.sleep(0.01)
		run.send_signal(signal.SIGTERM)
		held.execute("ROLLBACK")
		sys.exit(run.wait() != -signal.SIGTERM or bool(glob.glob(sys.argv[2] + "*")))
	END
}
check "interrupted it leaves nothing" interrupted
check "keys go out" exports
batch=$(sed -n 's/^Batch \([0-9a-f]*\):.*/\1/p' "$dir/export.out") keys=$(sed -n 's/.*: \([0-9]*\) keys.*/\1/p' "$dir/export.out")
check "more than one" test "$keys" -ge 2
check "for their eyes alone" test "$(stat -c %a "$dir/batch")" = 600
check "which is recorded" audited "verb=archive export keys=$keys from=%" 2
check "no more than are wanted" says ": 1 keys." archive export "$dir/one-key" --limit 1 "$(ca_lab_sha1 "$dir/kra$winner.crt")" "$(ca_lab_sha1 "$dir/kra$other.crt")"
own_batch() { SUDO_USER='NWTRADERS\caadmin' archive export "$dir/own" "$(ca_lab_sha1 "$dir/kra$winner.crt")" "$(ca_lab_sha1 "$dir/kra$other.crt")" >"$dir/own.out"; }
check "another, by a CA administrator" own_batch
own=$(sed -n 's/^Batch \([0-9a-f]*\):.*/\1/p' "$dir/own.out")
# entries BATCH OUT CODE: what somebody else makes of a batch; `e` are its entries, lists of TLVs, behind `order`.
entries() {
	PYTHONPATH=$here/../support python3 -B - "$@" <<'END'
import sys
from der import tlv, tlvs
(_, order), *e = tlvs(open(sys.argv[1], "rb").read())
e = [tlvs(v) for _, v in e]
exec(sys.argv[3])
open(sys.argv[2], "wb").write(tlv(48, order) + b"".join(tlv(48, b"".join(tlv(*x) for x in i)) for i in e))
END
}
ordered_by() { # OUT CERTIFICATE KEY [WHEN]: the same order by somebody else, or of another day
	openssl cms -verify -noverify -inform DER -in "$dir/batch" -out "$dir/order" -binary &&
		LC_ALL=C sed -i "s/20[0-9]\{12\}Z/${4:-&}/" "$dir/order" &&
		openssl cms -sign -nodetach -binary -outform DER -econtent_type "$arc.4.9" -in "$dir/order" -signer "$2" -inkey "$3" -out "$dir/signed" &&
		entries "$dir/batch" "$1" 'order = tlvs(open("'"$dir"'/signed", "rb").read())[0][1]'
}
arc=1.2.840.113556.1.8000.2554.37439.18520.28200.17134.42653.6345135.7414574
check "to others than he was told the agent seals nothing" refuses "other agents" rewrap "$dir/batch" "$dir/back" --to "$dir/kra$third.crt"
check "nor to nobody" refuses "names the certificate" rewrap "$dir/batch" "$dir/back"
# Which keys the third agent opens is chance.
stranger() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/stranger.key" -out "$dir/stranger.crt" -days 2 -subj /CN=stranger &&
		openssl pkcs12 -export -inkey "$dir/stranger.key" -in "$dir/stranger.crt" -out "$dir/stranger.pfx" -passout "file:$(ca_lab_pass)"
}
check "somebody who is no agent" stranger
check "who knows no CA believes no batch" refuses "nothing shows that the batch is of a CA" "$DIRCA_BIN/dirca" archive rewrap "$dir/batch" "$dir/back" \
	--kra "$dir/stranger.pfx" --kra-password-file "$(ca_lab_pass)" --to "$dir/kra$other.crt"
check "a batch of which a key was taken" entries "$dir/batch" "$dir/less" 'e.pop()'
check "is not whole" refuses CRYPT_E_HASH_VALUE rewrap "$dir/less" "$dir/back" --to "$dir/kra$other.crt"
check "one that asks for others" entries "$dir/batch" "$dir/asks" 'for i in e: i[5] = (4, bytes.fromhex("'"$(openssl x509 -in "$dir/kra$third.crt" -outform DER | sha256sum | cut -c1-64)"'"))'
check "is not what was signed" refuses CRYPT_E_HASH_VALUE rewrap "$dir/asks" "$dir/back" --to "$dir/kra$third.crt"
check "the same order by a stranger" ordered_by "$dir/by-stranger" "$dir/stranger.crt" "$dir/stranger.key"
check "is none" refuses "nothing shows that the batch is of a CA" rewrap "$dir/by-stranger" "$dir/back" --to "$dir/kra$other.crt"
check "one by the agent himself" eval 'openssl pkcs12 -in "$dir/kra$winner.pfx" -passin "file:$(ca_lab_pass)" -nodes -nocerts -out "$dir/own.key" && ordered_by "$dir/by-agent" "$dir/kra$winner.crt" "$dir/own.key"'
check "who lies beside his key and is no CA" refuses "nothing shows that the batch is of a CA" rewrap "$dir/by-agent" "$dir/back" --to "$dir/kra$other.crt"
check "one that root signed long ago" ordered_by "$dir/long-ago" "$CA_STATE/ca.crt" "$CA_STATE/vault/ca.key" 20260101000000Z
check "is signed anew" refuses CERT_E_EXPIRED rewrap "$dir/long-ago" "$dir/back" --to "$dir/kra$other.crt"
check "he can seal none" refuses "no key of the batch" "$DIRCA_BIN/dirca" archive rewrap "$dir/batch" "$dir/back" --kra "$dir/stranger.pfx" \
	--kra-password-file "$(ca_lab_pass)" --to "$dir/kra$other.crt" --ca "$CA_STATE/ca.crt"
check "and leaves no file" test ! -e "$dir/back"
check "he seals them" rewrap "$dir/batch" "$dir/back" --to "$dir/kra$other.crt"
openssl cms -encrypt -binary -aes256 -outform DER -in /etc/hostname -out "$dir/strange.der" "$dir/stranger.crt"
entries "$dir/back" "$dir/stranger" 'for i in e: i[7] = (4, open("'"$dir"'/strange.der", "rb").read())'
openssl cms -encrypt -binary -des3 -outform DER -in /etc/hostname -out "$dir/weak.der" "$dir/kra$other.crt"
entries "$dir/back" "$dir/weak" 'for i in e: i[7] = (4, open("'"$dir"'/weak.der", "rb").read())'
entries "$dir/back" "$dir/stale" 'for i in e: i[3] = (4, bytes(32))'
openssl cms -encrypt -binary -aes256 -outform DER -in /etc/hostname -out "$dir/third.der" -recip "$dir/kra$third.crt" -keyopt rsa_padding_mode:oaep \
	-keyopt rsa_oaep_md:sha256
entries "$dir/back" "$dir/third" 'for i in e: i[7] = (4, open("'"$dir"'/third.der", "rb").read())'
entries "$dir/back" "$dir/mixed" 'for i in e: i[1] = (4, bytes(16))'
entries "$dir/back" "$dir/unsigned" 'order = tlvs(open("'"$dir"'/by-stranger", "rb").read())[0][1]'
entries "$dir/back" "$dir/left-out" 'e = e[:1]'
openssl cms -encrypt -binary -aes256 -outform DER -in /etc/hostname -out "$dir/false.der" -recip "$dir/kra$other.crt" -keyopt rsa_padding_mode:oaep \
	-keyopt rsa_oaep_md:sha256
entries "$dir/back" "$dir/false" 'for i in e: i[7] = (4, open("'"$dir"'/false.der", "rb").read())'
check "sealed to a stranger they are refused" refuses CERTSRV_E_NO_VALID_KRA archive import "$dir/stranger"
check "or with too little" refuses "E_ACCESSDENIED" archive import "$dir/weak"
check "or if they are not what was given out" refuses DIRCA_E_CHANGED archive import "$dir/stale"
check "to an agent of root's whom it was not given out for" refuses "other agents than the batch" archive import "$dir/third"
check "keys of another batch" refuses "of another batch than the rest" archive import "$dir/mixed"
check "or a batch that the CA did not give out" refuses "none of this CA" archive import "$dir/unsigned"
check "nothing is changed" test "$(former)" = 0
# A key that he may know from its recovery BLOB, and was not given.
given() { sqlite3 "$CA_STATE/dirca.db" "$1 RewrapBatchKey $2"; }
outside=$(given "SELECT max(RequestID) FROM" "WHERE Batch = x'$batch'")
check "were one of them not given out" given "DELETE FROM" "WHERE Batch = x'$batch' AND RequestID = $outside"
check "it would not be taken" refuses "request $outside: it was not given out in this batch" archive import "$dir/back"
check "but all others" test "$(former)" = $((keys - 1))
check "which are put back" archive revert "$batch"
check "it was" given "INSERT INTO" "VALUES (x'$batch', $outside)"
check "two persons are asked for" ca_lab_as caadmin setreg 'CA\Recovery\ApproveBatches' 1
check "so root alone takes nothing back" refuses "waits for a CA administrator" archive import "$dir/back"
check "who is shown it" jq -e --arg b "$batch" --argjson k "$keys" 'any(.[]; .batch == $b and .keys == $k and .approved_by == null)' <(ca_lab_as caadmin archive list --json)
check "not to certificate managers" refuses E_ACCESSDENIED officer archive list
check "who do not approve it" refuses E_ACCESSDENIED officer archive approve "$batch"
check "nor does who gave it out, by his name" refuses DIRCA_E_OWN_REQUEST ca_lab_as caadmin archive approve "$own"
check "nor one that there is not" refuses CRYPT_E_NOT_FOUND ca_lab_as caadmin archive approve "${batch//[0-9]/0}"
check "nothing is taken" test "$(former)" = 0
check "nor root, by the Unix socket" refuses "not as root" ca_lab_as caadmin archive approve "$batch" --socket "$CA_SOCKET"
check "a CA administrator does" says "approved by NWTRADERS" ca_lab_as caadmin archive approve "$batch"
check "once" refuses CERTSRV_E_BAD_REQUESTSTATUS ca_lab_as caadmin archive approve "$batch"
check "which is recorded, as what was refused" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*), sum(Success) FROM Audit WHERE EventID = 1776")" = '6|1'
check "one person is enough again" ca_lab_as caadmin setreg 'CA\Recovery\ApproveBatches' 0
check "other contents the CA cannot know" archive import "$dir/false"
check "who opens it does" refuses NTE_BAD_DATA opens_now "$other"
unmatched() { # what is no key of the certificate is written nowhere, in no form
	local form
	for form in pfx pem pkcs8; do
		refuses NTE_BAD_DATA "$DIRCA_BIN/dirca" recoverkey "$dir/now.rec" "$dir/unmatched.$form" --format $form --receipt "$dir/unmatched.json" \
			--sheet "$dir/unmatched.txt" --kra "$dir/kra$other.pfx" "${kra_words[@]}" || return 1
	done
	[ -z "$(find "$dir" -maxdepth 1 -name 'unmatched*')" ]
}
check "before anything is written" unmatched
check "and it destroyed nothing" archive revert "$batch"
check "the former agent opens it" opens_now "$winner"
check "of a batch that breaks off" eval 'head -c -40 "$dir/back" >"$dir/cut"; refuses "cut off" archive import "$dir/cut"'
check "what was whole is taken" test "$(former)" = $((keys - 1))
check "which is told" refuses "Of the $keys keys of the batch 1 are as they were" archive import "$dir/left-out"
check "the rest follows" says "1 keys taken, $((keys - 1)) there already, 0 refused" archive import "$dir/back"
check "once" says "0 keys taken, $keys there already, 0 refused" archive import "$dir/back"
check "the agent to come opens it" opens_now "$other"
check "nothing is left to give out" refuses "No key is sealed" archive export "$dir/again" "$(ca_lab_sha1 "$dir/kra$winner.crt")" "$(ca_lab_sha1 "$dir/kra$other.crt")"
check "each is recorded" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 797 AND Detail LIKE 'rewrap=$batch kras=$(ca_lab_sha1 "$dir/kra$other.crt") %'")" = $((3 * keys - 1))
check "they are put back" says "$keys keys put back" archive revert "$batch"
check "as they were" opens_now "$winner"
check "which is recorded too" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 797 AND Detail LIKE 'revert=$batch kras=%$(ca_lab_sha1 "$dir/kra$winner.crt")%'")" = $((3 * keys - 1))
check "once only" refuses CRYPT_E_NOT_FOUND archive revert "$batch"
check "the database is sound" "$DIRCA_BIN/dirca" db check -c "$DIRCAD_CONF"

# ---- an agent proves that he opens keys ----
drill_new() { "$DIRCA_BIN/dirca" archive drill new -c "$DIRCAD_CONF" "$@" | tee "$dir/drill.out" && return "${PIPESTATUS[0]}"; }
drill_run() { "$DIRCA_BIN/dirca" archive drill run "$1" "$2" --force --kra "$dir/$3.pfx" --kra-password-file "$(ca_lab_pass)"; }
drill_report() { "$DIRCA_BIN/dirca" archive drill report -c "$DIRCAD_CONF" "$1"; }
# forge OUT AGENT CODE: what a malicious agent signs; `drill` and `proofs`, lists of hash and signature, are those of a good report.
forge() {
	openssl cms -verify -noverify -binary -inform DER -in "$dir/proof" -out "$dir/proof.der" &&
		PYTHONPATH=$here/../support python3 -B - "$dir/proof.der" "$dir/forged.der" "$3" <<'END' &&
import sys
from der import tlv, tlvs
_, (_, drill), (_, proofs) = tlvs(tlvs(open(sys.argv[1], "rb").read())[0][1])
proofs = [[v for _, v in tlvs(p)] for _, p in tlvs(proofs)]
exec(sys.argv[3])
proofs = tlv(48, b"".join(tlv(48, tlv(4, h) + tlv(4, s)) for h, s in proofs))
open(sys.argv[2], "wb").write(tlv(48, tlv(2, b"\1") + tlv(4, drill) + proofs))
END
		openssl pkcs12 -in "$dir/kra$2.pfx" -nodes -passin "file:$(ca_lab_pass)" -out "$dir/forger.pem" &&
		openssl cms -sign -binary -nodetach -nosmimecap -md sha256 -econtent_type "$arc.4.8" \
			-outform DER -in "$dir/forged.der" -signer "$dir/forger.pem" -out "$1"
}
proved() { sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM DrillKey WHERE ProvedWhen IS NOT NULL'; }
drills() { sqlite3 "$CA_STATE/dirca.db" 'SELECT count(*) FROM Drill'; }
check "agents are to show within a day that they open keys" ca_lab_as caadmin setreg 'CA\Recovery\DrillDays' 1
check "none has" covered '.unproved > 0'
late=$(jq .unproved "$dir/coverage.json")
check "which ends with findings" refuses 'as long as CA\Recovery\DrillDays allows' coverage
check "and is an event" ca_lab_eventually raised 1007
check "and the doctor tells" refuses "event 1007: " eval 'ca_lab_as caadmin doctor ca 1>&2'
check "an agent's sample" drill_new "$dir/drill" "$(ca_lab_sha1 "$dir/kra$winner.crt")" --sample 2
drill=$(sed -n 's/^Drill \([0-9a-f]*\): 2 keys\.$/\1/p' "$dir/drill.out")
check "of two keys" test -n "$drill"
check "for his eyes alone" test "$(stat -c %a "$dir/drill")" = 600
check "the drill is recorded" audited "verb=archive drill new keys=2 kra=$(ca_lab_sha1 "$dir/kra$winner.crt")" 1
check "and each key as one that he got" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 787 AND Detail LIKE 'drill=$drill kra=%requester=%'")" = 2
check "who opens none of them signs nothing" refuses "no key of the drill" drill_run "$dir/drill" "$dir/proof" stranger
check "and leaves no file" test ! -e "$dir/proof"
check "what is to be sealed to others is no drill" refuses "no drill of keys that one agent opens alone" drill_run "$dir/batch" "$dir/proof" "kra$winner"
entries "$dir/batch" /dev/null 'open("'"$dir"'/bare", "wb").write(b"".join(tlv(48, b"".join(tlv(*x) for x in i)) for i in e))'
check "nor without the order" refuses "is no drill" drill_run "$dir/bare" "$dir/proof" "kra$winner"
check "nor is a drill sealed to others" refuses "a batch of archived keys is wanted" rewrap "$dir/drill" "$dir/back" --to "$dir/kra$other.crt" --force
check "he opens them" says '2 of 2 keys opened' drill_run "$dir/drill" "$dir/proof" "kra$winner"
check "another's signature" forge "$dir/forged" "$other" ''
check "is not the agent's" refuses NTE_BAD_SIGNATURE drill_report "$dir/forged"
check "proofs of each other's keys" forge "$dir/forged" "$winner" 'proofs = [[proofs[0][0], proofs[1][1]], [proofs[1][0], proofs[0][1]]]'
check "are none" refuses '0 proofs taken, 0 there already, 2 refused' drill_report "$dir/forged"
check "nor are some of keys that were not asked for" forge "$dir/forged" "$winner" 'proofs[0][0] = bytes(32)'
check "while the others are" refuses '1 proofs taken, 0 there already, 1 refused' drill_report "$dir/forged"
check "and what is missing is told" refuses ': not proved' drill_report "$dir/forged"
drill_list() { "$DIRCA_BIN/dirca" archive drill list -c "$DIRCAD_CONF" "$@"; }
listed() { local code; drill_list --json >"$dir/drills.json"; code=$?; [ "$code" = "$1" ] && jq -e "$2" "$dir/drills.json"; }
check "so that the drill is incomplete" listed 4 "length == 1 and .[0].drill == \"$drill\" and .[0].keys == 2 and .[0].proved == 1 and .[0].state == \"incomplete\" and .[0].reported"
check "and is listed so" refuses incomplete eval 'drill_list 1>&2'
check "a second drill of the same keys" drill_new "$dir/drill2" "$(ca_lab_sha1 "$dir/kra$winner.crt")" --sample 10000
again=$(sed -n 's/^Drill \([0-9a-f]*\):.*/\1/p' "$dir/drill.out")
check "with the proofs of the first" forge "$dir/forged" "$winner" "drill = bytes.fromhex('$again')"
check "proves nothing" refuses '0 proofs taken, 0 there already, 2 refused' drill_report "$dir/forged"
check "one that was none is not known" forge "$dir/forged" "$winner" 'drill = bytes(16)'
check "whoever signs" refuses CRYPT_E_NOT_FOUND drill_report "$dir/forged"
check "so far one key is proved" test "$(proved)" = 1
check "a report that breaks off" eval 'head -c -1 "$dir/proof" >"$dir/cut"; refuses ERROR_INVALID_DATA drill_report "$dir/cut"'
check "the whole one" says "Drill $drill: 2 of 2 keys proved" drill_report "$dir/proof"
check "which is recorded" audited "verb=archive drill report proved=1 keys=2 kra=$(ca_lab_sha1 "$dir/kra$winner.crt")" 2
both_listed() { drill_list --json | jq -e --arg a "$drill" --arg b "$again" '([.[] | {(.drill): .state}] | add) == {($a): "proved", ($b): "incomplete"}'; }
check "and listed, beside one that proved nothing" both_listed
check "so the agent is seen to open keys" covered "[.agents[] | select(.proved != null) | .certificate_hash] | index(\"$(ca_lab_sha1 "$dir/kra$winner.crt")\")"
check "and late no more" covered ".unproved == $late - 1"
check "any age is good" ca_lab_as caadmin setreg 'CA\Recovery\DrillDays' 0
check "again" covered '.unproved == 0'
check "twice it proves no more" says '0 proofs taken, 2 there already, 0 refused' drill_report "$dir/proof"
check "it names no key and nobody" refuses '' grep -aq user1 "$dir/proof"
check "nothing is drawn for who is no agent" refuses CRYPT_E_NOT_FOUND drill_new "$dir/drill3" "$(printf '%040d' 0)"
check "and no file is left" eval '! compgen -G "$dir/drill3*" >"$dir/left"'
check "nor a drill" test "$(drills)" = 2

# ---- what was before a batch goes when another agent proved the new keys ----
settle() { "$DIRCA_BIN/dirca" archive settle -c "$DIRCAD_CONF" "$batch"; }
proves() { # AGENT [OPTION...]: all of the batch
	rm -f "$dir/drill4" && drill_new "$dir/drill4" "$(ca_lab_sha1 "$dir/kra$1.crt")" --batch "$batch" "${@:2}" &&
		drill_run "$dir/drill4" "$dir/proof" "kra$1" && drill_report "$dir/proof"
}
in_database() { sqlite3 "$CA_STATE/dirca.db" "ATTACH '$dir/kept.db' AS kept; $1"; }
check "what is there now is kept for what follows" in_database 'CREATE TABLE kept.Key AS SELECT RequestID, KeyRecoveryHashes, RawArchivedKey FROM Request JOIN RequestBlob USING (RequestID)
	WHERE KeyRecoveryHashes IS NOT NULL'
check "keys that were put back are none of a batch" refuses CRYPT_E_NOT_FOUND drill_new "$dir/drill4" "$(ca_lab_sha1 "$dir/kra$other.crt")" --batch "$batch"
check "other contents are taken once more" archive import "$dir/false"
check "the agent to come proves none of them" refuses "no key of the drill" proves "$other"
check "so that nothing goes" refuses "0 former keys let go, $keys refused" settle
check "they are put back" archive revert "$batch"
check "the keys are sealed to others" archive import "$dir/back"
check "unproved none goes" refuses "0 former keys let go, $keys refused" settle
check "the agent who sealed them opens them no more" refuses 'No key' drill_new "$dir/drill5" "$(ca_lab_sha1 "$dir/kra$winner.crt")" --batch "$batch"
check "the agent to come proves one" says '1 of 1 keys proved' proves "$other" --sample 1
check "whose former key goes" refuses "1 former keys let go, $((keys - 1)) refused" settle
check "no other" test "$(former)" = $((keys - 1))
check "he proves all that are left" says "$((keys - 1)) of $((keys - 1)) keys proved" proves "$other"
prover() { sqlite3 "$CA_STATE/dirca.db" "UPDATE Drill SET CertificateHash = x'$1' WHERE DrillID IN (SELECT DrillID FROM DrillKey JOIN FormerKey ON NewHash = Sealed)"; }
check "had the one who sealed them proved them" prover "$(ca_lab_sha1 "$dir/kra$winner.crt")"
check "that would count for nothing" refuses "0 former keys let go, $((keys - 1)) refused" settle
check "he did not" prover "$(ca_lab_sha1 "$dir/kra$other.crt")"
check "they go" says "$((keys - 1)) former keys let go, 0 refused" settle
check "all of them" test "$(former)" = 0
check "each is recorded" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 797 AND Detail LIKE 'settle=$batch drill=% kra=$(ca_lab_sha1 "$dir/kra$other.crt") %requester=%'")" = "$keys"
check "there is no way back then" refuses CRYPT_E_NOT_FOUND archive revert "$batch"
check "and nothing to let go" refuses CRYPT_E_NOT_FOUND settle
check "the agent to come opens it still" opens_now "$other"
for_two() { # by the other agent, for both that are left
	archive export "$dir/two" --limit 1 "$(ca_lab_sha1 "$dir/kra$other.crt")" "$(ca_lab_sha1 "$dir/kra$third.crt")" "$(ca_lab_sha1 "$dir/kra$winner.crt")" >"$dir/two.out" &&
		"$DIRCA_BIN/dirca" archive rewrap "$dir/two" "$dir/two.back" --kra "$dir/kra$other.pfx" --kra-password-file "$(ca_lab_pass)" \
			--ca "$CA_STATE/ca.crt" --to "$dir/kra$third.crt" --to "$dir/kra$winner.crt" && archive import "$dir/two.back" &&
		batch=$(sed -n 's/^Batch \([0-9a-f]*\): 1 keys.*/\1/p' "$dir/two.out") && [ -n "$batch" ]
}
check "a key is sealed to two" for_two
check "of whom nobody proved it: it is not settled" refuses "0 former keys let go, 1 refused" settle
check "one proof" says '1 of 1 keys proved' proves "$third"
check "is enough" says "1 former keys let go, 0 refused" settle
in_database 'UPDATE RequestBlob SET RawArchivedKey = k.RawArchivedKey FROM kept.Key k WHERE k.RequestID = RequestBlob.RequestID;
	UPDATE Request SET KeyRecoveryHashes = k.KeyRecoveryHashes FROM kept.Key k WHERE k.RequestID = Request.RequestID'

check "a name that is two certificates" refuses TYPE_E_AMBIGUOUSNAME ca_lab_kra disable "kra$winner"
check "one that is none" refuses CRYPT_E_NOT_FOUND ca_lab_kra enable nobody
for i in 1 2 3; do
	[ $i -eq $winner ] || check "a name that is one is disabled" ca_lab_kra disable --yes "kra$i"
done
check "at once" ca_lab_usable_kras 1
check "the one is used" ca_lab_enroll user1 EFSArchive "$dir/one.pfx"
check "with the renewed certificate" newest_is_used
check "who disables the last who opens keys is asked" refuses "no terminal to ask at" setsid -w "$DIRCA_BIN/dirca" kra disable \
	-c "$DIRCAD_CONF" "$(ca_lab_sha1 "$dir/kra$winner.crt")"
check "and nothing is changed" ca_lab_usable_kras 1
check "who is left alone is told of" says "too few" ca_lab_kra disable --yes "$(ca_lab_sha1 "$dir/renewed.crt")" "$(ca_lab_sha1 "$dir/kra$winner.crt")"
check "then nobody is" ca_lab_eventually ca_lab_status '.kras == []'
check "nobody opens a key" ca_lab_eventually ca_lab_status '.coverage.uncovered == .requests.archived_keys'
check "which is an event" ca_lab_eventually raised 1006
check "and the doctor tells" refuses "event 1006: " eval 'ca_lab_as caadmin doctor ca 1>&2'
check "and no key is archived" refuses CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED ca_lab_enroll user1 EFSArchive "$dir/none.pfx"
check "but others are served" ca_lab_enroll user1 User "$dir/plain.pfx"
for i in 1 2 3; do
	check "each is enabled" ca_lab_kra enable "$(ca_lab_sha1 "$dir/kra$i.crt")"
done
check "and the renewed one" ca_lab_kra enable "$(openssl x509 -in "$dir/renewed.crt" -outform DER | sha256sum | cut -c1-64)"
check "as before" ca_lab_usable_kras 3
check "which is recorded" audited 'verb=kra enable value=enabled old=disabled' 4
check "not by an administrator" refuses E_ACCESSDENIED ca_lab_as caadmin setreg 'CA\KRACertCount' 2
check "who reads it by its name" says 'KRACertCount' ca_lab_as caadmin getreg 'CA\KRACertCount'
check "people read why one does not" ca_lab_eventually says "a newer certificate of the same agent" ca_lab_as caadmin kra status

# ---- two of three open a key together ----
share() { # AGENT BLOB: for kra2
	"$DIRCA_BIN/dirca" recoverkey "$2" --share "$dir/$1.share" --to "$dir/kra2.crt" --kra "$dir/kra$1.pfx" \
		--kra-password-file "$(ca_lab_pass)" --force
}
opens_by() { # BLOB PFX SHARE...: kra2, with the shares of others
	local shares=() file
	for file in "${@:3}"; do shares+=(--combine "$dir/$file.share"); done
	ca_lab_opens "$1" "$dir/kra2.pfx" "$2" "${shares[@]}"
}
spoil() { damage "$dir/3.share" -30; }
check "more than there are cannot be asked for" refuses E_INVALIDARG ca_lab_kra count 2 --threshold 3
check "two of three" says 'open it together' ca_lab_kra count 3 --threshold 2
check "which is in force" ca_lab_eventually ca_lab_status '.kra_cert_count == 3 and .kra_threshold == 2'
check "and recorded, as the number is" audited 'verb=kra count value=2 old=1' 3
check "the status says so" says '2 of these 3 open it together' ca_lab_as caadmin kra status
check "a key" ca_lab_enroll user1 EFSArchive "$dir/shared.pfx"
check "is fetched" fetch "$dir/shared.rec" "$(ca_lab_serial_of "$dir/shared.pfx")"
check "who can open it is shown" says '2 of 3 open the key together' "$DIRCA_BIN/dirca" recoverkey "$dir/shared.rec" --ca "$CA_STATE/ca.crt"
check "to programs too" jq -e '.threshold == 2 and (.recipients | length == 3)' <("$DIRCA_BIN/dirca" recoverkey "$dir/shared.rec" --json --ca "$CA_STATE/ca.crt")
check "dump says it" says '2 of 3 together' "$DIRCA_BIN/dirca" dump "$dir/shared.rec"
check "nobody opens it alone" refuses DIRCA_E_KEY_SHARE ca_lab_opens "$dir/shared.rec" "$dir/kra2.pfx" "$dir/shared.pfx"
check "which a script sees" fails_with 5 "$DIRCA_BIN/dirca" recoverkey "$dir/shared.rec" "$dir/no.pfx" --kra "$dir/kra2.pfx" --kra-password-file "$(ca_lab_pass)"
check "one gives his share" share 1 "$dir/shared.rec"
check "and another" share 3 "$dir/shared.rec"
check "of which the second agent needs one" opens_by "$dir/shared.rec" "$dir/shared.pfx" 1
check "whichever it is" opens_by "$dir/shared.rec" "$dir/shared.pfx" 3
check "who is sent none cannot read it" refuses CRYPT_E_NO_DECRYPT_CERT ca_lab_opens "$dir/shared.rec" "$dir/kra3.pfx" "$dir/shared.pfx" \
	--combine "$dir/1.share"
check "one that comes twice is named" refuses 'is there twice' opens_by "$dir/shared.rec" "$dir/shared.pfx" 1 1
# The cure is typed as it is told: with files of these names, and where passwords are.
import_shared() { ca_lab_as officer1 importkms --opener "$dir/kra2.pfx" --opener-password-file "$(ca_lab_pass)" "$dir/shared.rec"; }
cure() {
	mkdir "$dir/cure" && cd "$dir/cure" || return 1
	cp "$dir/shared.rec" BLOB && cp "$dir/kra2.crt" LAST.crt && cp "$dir/kra2.pfx" LAST.pfx && cp "$dir/kra1.pfx" KRA.pfx || return 1
	import_shared 2>&1 | grep -o "'dirca [^']*'" | tr -d "'" >lines
	[ "$(wc -l <lines)" -eq 2 ] || return 1
	sed "s|^dirca|$DIRCA_BIN/&|; s|\$| --kra-password-file $(ca_lab_pass)|; \$s|\$| --out-password-file $(ca_lab_pass)|" lines >lines.sh && sh -ex lines.sh &&
		ca_lab_as officer1 importkms --replace --source-password-file "$(ca_lab_pass)" OUT.pfx
}
check "a key import certificate" ca_lab_as caadmin import certificate new --days 1
check "what several open together is not imported, but told how" refuses '2 of 3 key recovery agents open this key together' import_shared
check "and what they make of it is" says 'Keys replaced: 1' cure
check "one is changed" spoil
check "and named, though another would do" refuses '3.share: ' opens_by "$dir/shared.rec" "$dir/shared.pfx" 1 3
check "another key" ca_lab_enroll user1 EFSArchive "$dir/shared2.pfx"
check "is fetched, too" fetch "$dir/shared2.rec" "$(ca_lab_serial_of "$dir/shared2.pfx")"
check "and not opened by a share of the first" refuses 'a share of another archived key' opens_by "$dir/shared2.rec" "$dir/shared2.pfx" 1
check "a key that each opens alone has none" refuses DIRCA_E_KEY_SHARE share 1 "$dir/one.rec"
check "none is below the floor, and two are opened by two together" with_floor '.below_floor == [] and .unreadable == 0 and .together == [{"threshold": 2, "keys": 2}]'
# ---- a script of a recovery that others help with: what it prints is typed as it stands ----
check "a user has a key that two open together" eval 'ca_lab_kra count 3 --threshold 2 && ca_lab_eventually ca_lab_status ".kra_threshold == 2" && ca_lab_enroll user4 EFSArchive "$dir/mine1.pfx"'
check "and two of which each opens one" eval 'ca_lab_kra count 3 --threshold 1 && ca_lab_eventually ca_lab_status ".kra_threshold == 1" &&
	ca_lab_enroll user4 EFSArchive "$dir/mine2.pfx" && ca_lab_enroll user4 EFSArchive "$dir/mine3.pfx"'
mkdir "$dir/runs" "$dir/holds"
runs() { # by kra2, who has one share of two
	officer getkey --script user4@nwtraders.com >"$dir/runs/recover.sh" && sh -n "$dir/runs/recover.sh" &&
		(cd "$dir/runs" && rm -f -- *.p12 *.rec && HOME=$(ca_lab_home officer1) TMPDIR=$dir/runs sh recover.sh --kra "$dir/kra2.pfx" --kra-password-file "$(ca_lab_pass)" >said)
	[ $? = 5 ] && cat "$dir/runs/said" && [ "$(cd "$dir/runs" && echo *)" = "recover.sh said user4-$shared_serial.rec user4.p12" ]
}
shared_serial=$(ca_lab_serial_of "$dir/mine1.pfx" | tr '[:upper:]' '[:lower:]')
check "the script opens what it can, and says what the others type" runs
line() { sed -n "$1{p;q;}" "$dir/runs/said" | sed 's/^ *//'; } # ADDRESS
by_others() { # the holder, on his machine, with nothing but the BLOB and his key
	local who
	who=$(sed -n 's/^  CN=\(kra[13]\),.*/\1/p' "$dir/runs/said" | head -1)
	cp "$dir/runs/user4-$shared_serial.rec" "$dir/holds" && cp "$dir/$who.pfx" "$dir/holds/KRA.pfx" && HOME=$dir/nobody "$here/../support/by_hand.py" "sees Password of
types $pass
ends 0" -- sh -c "cd $dir/holds && PATH=$DIRCA_BIN:\$PATH exec $(line '/--to/')" && cp "$dir"/holds/*.share "$dir/runs"
}
check "one of them does" by_others
combined() {
	HOME=$dir/nobody "$here/../support/by_hand.py" "$user_asked
types hand-Secret
sees Again:
types hand-Secret
ends 0" -- sh -c "cd $dir/runs && PATH=$DIRCA_BIN:\$PATH exec $(line '/--combine/')" &&
		[ "$(openssl pkcs12 -in "$dir/runs/user4-$shared_serial.p12" -passin pass:hand-Secret -nocerts -nodes | openssl pkey)" = "$(ca_lab_key_of "$dir/mine1.pfx")" ]
}
check "and the other puts the shares together" combined
merged() {
	HOME=$dir/nobody "$here/../support/by_hand.py" "sees Password of
types $(sed -n 's/^PASSWORD: "\(.*\)"$/\1/p' "$dir/runs/said")
sees Password of
types hand-Secret
sees Password
types all-Secret
sees Again:
types all-Secret
ends 0" -- sh -c "cd $dir/runs && PATH=$DIRCA_BIN:\$PATH exec $(line '/mergepfx/')" &&
		[ "$(openssl pkcs12 -in "$dir/runs/ALL.p12" -passin pass:all-Secret -nocerts -nodes | grep -c 'BEGIN PRIVATE KEY')" = 3 ]
}
check "all in one file" merged
check "who has none of its keys is told who puts them together" says 'the first of them), CN=kra' "$DIRCA_BIN/dirca" recoverkey "$dir/runs/user4-$shared_serial.rec" \
	--kra "$dir/stranger.pfx" --kra-password-file "$(ca_lab_pass)" --ca "$CA_STATE/ca.crt"
check "whoever is nobody's agent is sent no share by his hash" refuses ERROR_FILE_NOT_FOUND "$DIRCA_BIN/dirca" recoverkey "$dir/runs/user4-$shared_serial.rec" \
	--share "$dir/no.share" --to "$(ca_lab_sha1 "$dir/stranger.crt")" --kra "$dir/kra1.pfx" --kra-password-file "$(ca_lab_pass)"
check "one for each key again" eval 'ca_lab_kra count 1 && ca_lab_eventually ca_lab_status ".kra_cert_count == 1 and .kra_threshold == 1"'
left_out() { archive export "$dir/apart" "$(ca_lab_sha1 "$dir/kra$other.crt")" "$(ca_lab_sha1 "$dir/kra$third.crt")" >"$dir/apart.out"; grep -x 'Left out: 3 keys that several agents open together.' "$dir/apart.out"; }
check "those that two open are in no batch for one" left_out

# ---- and are sealed to others by two of them ----
crt_of() { if [ "$1" = "$winner" ]; then echo "$dir/renewed.crt"; else echo "$dir/kra$1.crt"; fi; } # that keys are sealed to now
sha1_of() { openssl x509 -in "$(crt_of "$1")" -outform DER | sha1sum | cut -c1-40; }
together() { # BATCH AGENT...: who combines, who gives his shares, the agents to come
	archive export "$dir/$1" "$(sha1_of "$2")" --with "$(sha1_of "$3")" "${to_come[@]}" >"$dir/export.out" && cat "$dir/export.out"
}
by() { # AGENT VERB...
	"$DIRCA_BIN/dirca" archive "${@:2}" --kra "$dir/kra$1.pfx" --kra-password-file "$(ca_lab_pass)" --ca "$CA_STATE/ca.crt"
}
batch_name() { sed -n 's/^Batch \([0-9a-f]*\):.*/\1/p' "$dir/export.out"; }
shared_by_two() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Request WHERE KeyRecoveryHashes LIKE '%threshold=2'"; }
opens_shared() { # KEY AGENT...: of user1's; the last one combines
	local shares=() agent
	rm -f "$dir/now.rec" && fetch "$dir/now.rec" "$(ca_lab_serial_of "$dir/$1.pfx")" || return 1
	for agent in "${@:2:$#-2}"; do
		"$DIRCA_BIN/dirca" recoverkey "$dir/now.rec" --share "$dir/now$agent.share" --to "$(crt_of "${*: -1}")" --kra "$dir/kra$agent.pfx" \
			--kra-password-file "$(ca_lab_pass)" --force || return 1
		shares+=(--combine "$dir/now$agent.share")
	done
	ca_lab_opens "$dir/now.rec" "$dir/kra${*: -1}.pfx" "$dir/$1.pfx" "${shares[@]}"
}
to_come=("$(sha1_of 3)")
check "who combines is none who gives him a share" refuses E_INVALIDARG together pair 2 2
check "two of them get the keys" says ': 3 keys' together pair 2 1
pair=$(batch_name)
check "which is recorded, with both" audited "verb=archive export keys=3 from=$(sha1_of 2) with=$(sha1_of 1) to=$(sha1_of 3)" 1
check "as who approves it is shown" jq -e --arg b "$pair" --arg w "$(sha1_of 1)" 'any(.[]; .batch == $b and .with == $w)' <(ca_lab_as caadmin archive list --json)
check "another batch of the same" says ': 3 keys' together pair2 2 1
check "neither opens it alone" refuses "several agents open the keys of this batch together" by 2 rewrap "$dir/pair" "$dir/pair.back" --to "$(crt_of 3)"
check "no share is for another than root said" refuses "root ordered another one" by 1 rewrap "$dir/pair" --share "$dir/pair.1" --to "$(crt_of 3)"
check "nor for one who opens keys alone" refuses "there are no shares" by "$winner" rewrap "$dir/batch" --share "$dir/pair.1" --to "$(crt_of "$winner")"
check "nor is any of a batch that was changed" eval 'head -c -1 "$dir/pair" >"$dir/cut"; refuses CRYPT_E_HASH_VALUE by 1 rewrap "$dir/cut" --share "$dir/pair.1" --to "$(crt_of 2)"'
check "one gives his shares" says '3 keys shared, 0 there already, 0 left out' by 1 rewrap "$dir/pair" --share "$dir/pair.1" --to "$(crt_of 2)"
check "to be read by nobody else" test "$(stat -c %a "$dir/pair.1")" = 600
# cut_share OUT N: so many of them, as an interruption leaves them; changed by CODE, of which `e` are lists of TLVs.
some_shares() {
	PYTHONPATH=$here/../support python3 -B - "$@" <<'END'
import sys
from der import tlv, tlvs
e = [tlvs(v) for _, v in tlvs(open(sys.argv[1], "rb").read())]
exec(sys.argv[3])
open(sys.argv[2], "wb").write(b"".join(tlv(48, b"".join(tlv(*x) for x in i)) for i in e))
END
}
check "some of them" some_shares "$dir/pair.1" "$dir/pair.some" 'e = e[:1]'
check "are gone on with" says '2 keys shared, 1 there already, 0 left out' by 1 rewrap "$dir/pair" --share "$dir/pair.some" --to "$(crt_of 2)"
check "which is as good" says '3 keys sealed, 0 left out' by 2 rewrap "$dir/pair" "$dir/pair.back" --to "$(crt_of 3)" --combine "$dir/pair.some"
check "something else is not replaced" refuses ERROR_FILE_EXISTS by 1 rewrap "$dir/pair" --share "$dir/pair2" --to "$(crt_of 2)"
check "nor are those of another batch" refuses ERROR_FILE_EXISTS by 1 rewrap "$dir/pair2" --share "$dir/pair.1" --to "$(crt_of 2)"
combine() { by 2 rewrap "$dir/pair" "$dir/bad.back" --to "$(crt_of 3)" "$@" --force; }
check "whom they are not for does not read them" refuses "no key of the batch" by 3 rewrap "$dir/pair" "$dir/bad.back" --to "$(crt_of 3)" --combine "$dir/pair.1"
check "he seals them to nobody but whom root ordered" refuses "other agents" by 2 rewrap "$dir/pair" "$dir/bad.back" --to "$(crt_of 2)" --combine "$dir/pair.1"
check "shares of another batch" by 1 rewrap "$dir/pair2" --share "$dir/pair2.1" --to "$(crt_of 2)"
check "are refused" refuses "pair2.1: it is of another batch" combine --combine "$dir/pair2.1"
check "also under this one's name" some_shares "$dir/pair2.1" "$dir/pair.named" 'for i in e: i[1] = (4, bytes.fromhex("'"$pair"'"))'
check "each" refuses "pair.named: it is a share for something else" combine --combine "$dir/pair.named"
check "what comes twice counts once" refuses "3 keys sealed, 0 left out" combine --combine "$dir/pair.1" --combine "$dir/pair.some"
check "and is named" refuses 'is there twice, that of issued by' combine --combine "$dir/pair.1" --combine "$dir/pair.some"
check "his own, written to himself," by 2 rewrap "$dir/pair" --share "$dir/pair.own" --to "$(crt_of 2)"
check "once more is none of another" refuses 'no key of the batch' combine --combine "$dir/pair.own"
check "of shares that belong to each other's keys" some_shares "$dir/pair.1" "$dir/pair.swapped" 'e[0][3], e[1][3] = e[1][3], e[0][3]'
check "only those that do not are named" refuses '1 keys sealed, 2 left out' combine --combine "$dir/pair.swapped"
check "for what they are" refuses 'pair.swapped: it is a share of another archived key' combine --combine "$dir/pair.swapped"
check "one of which a bit is wrong" some_shares "$dir/pair.1" "$dir/pair.bad" 'e[0][3] = (4, e[0][3][1][:-30] + bytes([e[0][3][1][-30] ^ 1]) + e[0][3][1][-29:])'
check "leaves out that key" refuses '2 keys sealed, 1 left out' combine --combine "$dir/pair.bad"
check "to whose share it was" refuses 'pair.bad: it does not open' combine --combine "$dir/pair.bad"
check "shares of no key of the batch" some_shares "$dir/pair.1" "$dir/pair.none" 'e[0][2] = (2, b"\x7f")'
check "are told of" refuses 'pair.none: a share of request 127, which is none' combine --combine "$dir/pair.none"
check "what is no share is refused" refuses ERROR_INVALID_DATA combine --combine "$dir/shared.rec"
check "the keys come back" says '3 keys taken, 0 there already, 0 refused' archive import "$dir/pair.back"
check "the agent to come opens them alone" eval 'rm -f "$dir/now.rec" && fetch "$dir/now.rec" "$(ca_lab_serial_of "$dir/shared.pfx")" && ca_lab_opens "$dir/now.rec" "$dir/kra3.pfx" "$dir/shared.pfx"'
check "no key is opened by two any more" test "$(shared_by_two)" = 0
check "they are put back" says '3 keys put back' archive revert "$pair"
check "as two open them" opens_shared shared 1 2
check "which is recorded" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 797 AND Detail LIKE 'revert=$pair kras=%,threshold=2 %'")" = 3

# ---- two of three are to open each ----
two_each() { ca_lab_kra count 2 --threshold "$1" && ca_lab_eventually ca_lab_status ".kra_cert_count == 2 and .kra_threshold == $1"; }
check "two of each two" two_each 2
in_turn() { # what three keys are sealed to: each agent twice, as one of two of whom both are needed
	local i
	for i in 1 2 3; do ca_lab_enroll user4 EFSArchive "$dir/turn$i.pfx" || return 1; done
	sets=$(for i in 1 2 3; do sqlite3 "$CA_STATE/dirca.db" "SELECT KeyRecoveryHashes FROM Request WHERE SerialNumber = '$(ca_lab_serial_of "$dir/turn$i.pfx")' COLLATE NOCASE"; done)
	echo "$sets"
	[ "$(grep -cx 'threshold=2' <<<"$sets")" = 3 ] && [ "$(grep -vx 'threshold=2' <<<"$sets" | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" = '2 2 2 ' ]
}
check "three keys in turn" in_turn
of_two() { "$DIRCA_BIN/dirca" archive coverage -c "$DIRCAD_CONF" --json "${@:2}" | jq -e "[.combinations[] | select(.threshold == 2 and (.agents | length) == 2)] | $1"; }
check "each is one that two open" of_two 'length == 3 and all(.[]; .keys == 1 and .living == 2 and .left == 2)'
check "of which whoever leaves takes two" of_two 'map(select(.left < .threshold)) | length == 2' --without "$(sha1_of 3)"
check "they are opened so" eval 'rm -f "$dir/now.rec"; fetch "$dir/now.rec" "$(ca_lab_serial_of "$dir/turn1.pfx")" && says "2 of 2 open the key together" "$DIRCA_BIN/dirca" recoverkey "$dir/now.rec" --ca "$CA_STATE/ca.crt"'

# ---- and those that one opened alone, sealed anew ----
in_database "DROP TABLE kept.Key; CREATE TABLE kept.Key AS SELECT RequestID, KeyRecoveryHashes, RawArchivedKey FROM Request JOIN RequestBlob USING (RequestID)
	WHERE KeyRecoveryHashes IS NOT NULL"
check "root changed its mind since the batch" refuses "now it is 2" archive import "$dir/pair.back"
check "and back" ca_lab_kra count 2 --threshold 1
check "too few agents to come" refuses "at least 2 different key recovery agents" archive import "$dir/pair.back"
check "are enough for one" ca_lab_kra count 1
check "so that one has them again" says '3 keys taken' archive import "$dir/pair.back"
check "two of each two, once more" two_each 2
to_come=("$(sha1_of 1)" "$(sha1_of 2)")
# What chance had him get with GCM is not sealed with less.
check "who read all that there is" eval 'ca_lab_kra enable "$(sha1_of 1)" --reader gcm && ca_lab_kra enable "$(sha1_of 2)" --reader gcm'
from_one() { archive export "$dir/alone" "$(sha1_of 3)" "${to_come[@]}" >"$dir/export.out" && cat "$dir/export.out"; }
check "he gets them for two" from_one
for_two=$(batch_name) keys=$(sed -n 's/^Batch .*: \([0-9]*\) keys.*/\1/p' "$dir/export.out")
check "three and more" test "$keys" -ge 3
check "and seals them to both" says '2 of these 2 open a key together' by 3 rewrap "$dir/alone" "$dir/alone.back" --to "$(crt_of 1)" --to "$(crt_of 2)"
each_alone() { # OUT AGENT...: what he makes instead
	local to=() agent
	for agent in "${@:2}"; do to+=(-recip "$(crt_of "$agent")" -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256); done
	openssl cms -encrypt -binary -aes256 -outform DER -in /etc/hostname -out "$dir/instead.der" "${to[@]}" &&
		entries "$dir/alone.back" "$1" 'for i in e: i[7] = (4, open("'"$dir"'/instead.der", "rb").read())'
}
check "to each alone" each_alone "$dir/instead" 1 2
check "is refused" refuses "1 of its agents open it together, and the batch was given out for 2" archive import "$dir/instead"
check "as to one of them" each_alone "$dir/instead" 1
check "is" refuses "other agents than the batch" archive import "$dir/instead"
check "and shares of other agents" entries "$dir/alone.back" "$dir/instead" 'k = e[0][7][1]; import sqlite3
k = sqlite3.connect("'"$CA_STATE"'/dirca.db").execute("SELECT RawArchivedKey FROM RequestBlob WHERE RequestID = (SELECT RequestID FROM Request WHERE KeyRecoveryHashes LIKE ? LIMIT 1)",
	["%'"$(sha1_of 3 | sed 's/../& /g; s/ $//')"'%threshold=2"]).fetchone()[0]
for i in e: i[7] = (4, k)'
check "are" refuses "other agents than the batch" archive import "$dir/instead"
check "nothing is changed by it" test "$(former)" = 3
check "what they are to open together is taken" says "$keys keys taken, 0 there already, 0 refused" archive import "$dir/alone.back"
check "and counted so" of_two "map(.keys) | add == 3 + $keys"
check "both open them" opens_shared shared 1 2
check "and could recover each" says "something is wrong with 0" "$DIRCA_BIN/dirca" verifykeys -c "$DIRCAD_CONF"
check "which nobody proved" refuses "0 former keys let go, $keys refused" archive settle "$for_two"
check "none of them could alone" refuses "he opens none of them alone" drill_new "$dir/drill6" "$(sha1_of 2)" --batch "$for_two"
check "nor with another" refuses "just these" drill_new "$dir/drill6" "$(sha1_of 2)" --with "$(sha1_of 3)" --batch "$for_two"
check "nor with himself" refuses E_INVALIDARG drill_new "$dir/drill6" "$(sha1_of 2)" --with "$(sha1_of 2)" --batch "$for_two"
check "but both" says ": $keys keys" drill_new "$dir/drill6" "$(sha1_of 2)" --with "$(sha1_of 1)" --batch "$for_two"
check "which is recorded" audited "verb=archive drill new keys=$keys kra=$(sha1_of 2) with=$(sha1_of 1)" 1
check "a drill is not sealed to others" refuses "the file is a drill" by 2 rewrap "$dir/drill6" --share "$dir/share6" --to "$(crt_of 2)"
check "nor is what is to be sealed to others a drill" refuses "the file is no drill" by 1 drill run "$dir/pair" --share "$dir/share6" --to "$(crt_of 2)"
check "nor taken back" refuses "the file is a drill" archive import "$dir/drill6"
check "one gives his shares" says "$keys keys shared" by 1 drill run "$dir/drill6" --share "$dir/share6" --to "$(crt_of 2)"
check "without which the other opens nothing" refuses "no drill of keys that one agent opens alone" by 2 drill run "$dir/drill6" "$dir/proof6"
check "nor with those of a batch" refuses "it is of another batch or drill" by 2 drill run "$dir/drill6" "$dir/proof6" --combine "$dir/pair.1"
check "he has each key sign" says "$keys of $keys keys opened" by 2 drill run "$dir/drill6" "$dir/proof6" --combine "$dir/share6"
check "which proves them" says "$keys of $keys keys proved" drill_report "$dir/proof6"
with_sealer() { sqlite3 "$CA_STATE/dirca.db" "UPDATE Drill SET WithHashes = '$1' WHERE WithHashes IS NOT NULL"; }
check "had the one who sealed them given a share" with_sealer "$(sha1_of 3)"
check "that would count for nothing" refuses "0 former keys let go, $keys refused" archive settle "$for_two"
check "he did not" with_sealer "$(sha1_of 1)"
check "so what was before goes" says "$keys former keys let go, 0 refused" archive settle "$for_two"
in_database 'UPDATE RequestBlob SET RawArchivedKey = k.RawArchivedKey FROM kept.Key k WHERE k.RequestID = RequestBlob.RequestID;
	UPDATE Request SET KeyRecoveryHashes = k.KeyRecoveryHashes FROM kept.Key k WHERE k.RequestID = Request.RequestID'
check "the database is sound" "$DIRCA_BIN/dirca" db check -c "$DIRCAD_CONF"
check "one for each key, after all" eval 'ca_lab_kra count 1 --threshold 1 && ca_lab_eventually ca_lab_status ".kra_cert_count == 1 and .kra_threshold == 1"'

old=$(ca_lab_sha1 "$dir/kra$winner.crt")
check "who removes a KRA is told what hangs on it" refuses "to this certificate: " setsid -w "$DIRCA_BIN/dirca" kra remove \
	-c "$DIRCAD_CONF" "$old"
check "and asked" refuses "no terminal to ask at" setsid -w "$DIRCA_BIN/dirca" kra remove -c "$DIRCAD_CONF" "$old"
check "it is there still" test -s "$CA_STATE/kra/$old.crt"
candidate() { ca_lab_as caadmin kra list --candidates -c "$DIRCAD_CONF" --json | jq -e "any(.[]; .certificate_hash == \"$1\")"; }
check "in the store it is no candidate" eval "! candidate $old"
check "--yes answers" ca_lab_kra remove --yes "$old"
check "then it is one, since the directory has it" candidate "$old"
check "the renewed one goes too" ca_lab_kra remove --yes "$(ca_lab_sha1 "$dir/renewed.crt")"
for i in 1 2 3; do
	[ $i -eq $winner ] || ca_lab_kra remove --yes "$(ca_lab_sha1 "$dir/kra$i.crt")" >/dev/null
	ca_lab_as caadmin kra unpublish "$dir/kra$i.crt" >/dev/null
done
check "the CA has none" ca_lab_eventually ca_lab_status '.kras == []'
check "and hands out the key with the certificate" fetch "$dir/again.rec" "$(ca_lab_serial_of "$dir/key.pfx")"
check "that it was sealed to" test "$(sealed_to "$dir/again.rec")" = "$old"
check "and it is opened" ca_lab_opens "$dir/again.rec" "$dir/kra$winner.pfx" "$dir/key.pfx"

# ---- what the CA signed ----
check "what the CA signed is a candidate, wherever it is published" candidate "$(ca_lab_sha1 "$dir/kra1.crt")"
check "but by its name nobody enables it" refuses CRYPT_E_NOT_FOUND ca_lab_kra enable kra1
check "root does by its hash" ca_lab_kra enable "$(ca_lab_sha1 "$dir/kra1.crt")"
check "and it is used" ca_lab_usable_kras 1

# ---- one that is renewed with a new key ----
opened_by() { # NAME KRA OTHER: the key of NAME.pfx, which is sealed to KRA.crt; OTHER.pfx opens it not
	fetch "$dir/$1.rec" "$(ca_lab_serial_of "$dir/$1.pfx")" && [ "$(sealed_to "$dir/$1.rec")" = "$(ca_lab_sha1 "$dir/$2.crt")" ] &&
		ca_lab_opens "$dir/$1.rec" "$dir/$2.pfx" "$dir/$1.pfx" && ! ca_lab_opens "$dir/$1.rec" "$dir/$3.pfx" "$dir/$1.pfx"
}
new_key() {
	ca_lab_enroll_approved kra1 KeyRecoveryAgent "$dir/rekeyed.pfx" --renew "$dir/kra1.pfx" --renew-password-file "$(ca_lab_pass)" &&
		ca_lab_certificate_of "$dir/rekeyed.pfx" >"$dir/rekeyed.crt" && [ "$(ca_lab_key_of "$dir/rekeyed.pfx")" != "$(ca_lab_key_of "$dir/kra1.pfx")" ]
}
check "a key is archived for it" ca_lab_enroll user1 EFSArchive "$dir/before.pfx"
check "it renews, with a new key" new_key
check "and is added" ca_lab_kra add "$dir/rekeyed.crt"
check "two certificates and keys are one agent" eval 'ca_lab_eventually kra_status "(.kras | length) == 2 and .usable == 1" && refuses "1 are usable" ca_lab_kra count 2'
check "the next key is archived" ca_lab_enroll user1 EFSArchive "$dir/behind.pfx"
check "for the new one, which alone opens it" opened_by behind rekeyed kra1
check "the old one alone opens what was archived before" opened_by before kra1 rekeyed
check "the renewed one goes" ca_lab_kra remove --yes "$(ca_lab_sha1 "$dir/rekeyed.crt")"

check "a hash that nobody signed" refuses CRYPT_E_NOT_FOUND ca_lab_kra enable "$(printf %040d 7)"

# ---- a damaged store ----
check "all KRAs are added again" ca_lab_kra add "$dir/kra1.crt" "$dir/kra2.crt" "$dir/kra3.crt"
check "one is damaged" eval "head -c 300 '$dir/kra2.crt' >'$CA_STATE/kra/$(ca_lab_sha1 "$dir/kra2.crt").crt' && ca_lab_reload"
check "which the CA says" ca_lab_eventually ca_lab_status '(.kra_problems | length) == 2 and (.kras | length) == 2'
check "as a certificate that is not loaded" says "not loaded     $CA_STATE/kra/" ca_lab_as caadmin kra status
check "and logs" grep -q 'event_id=85.*'"$(ca_lab_sha1 "$dir/kra2.crt")" "$dir/dircad.log"
event() { # NUMBER JQ: of one such event, read by an administrator
	local answer
	answer=$(ca_lab_as caadmin events --number "$1" --json) && echo "$answer" && jq -e "any(.[]; $2)" <<<"$answer"
}
check "as an event" event 85 '.name == "MSG_E_CANNOT_LOAD_KRA_CERT" and (.variables.ErrorCode | contains("'"$(ca_lab_sha1 "$dir/kra2.crt")"'"))'
check "as there was one for the four that were not there" event 82 '.variables == {NumberofValidKRACerts: "3", RequiredNumberofValidKRACerts: "4"}'
check "a certificate manager reads none" refuses E_ACCESSDENIED officer events
check "the others serve" ca_lab_count_kras 2
check "for archival" ca_lab_enroll user1 EFSArchive "$dir/two.pfx"
check "and recovery" fetch "$dir/two.rec" "$(ca_lab_serial_of "$dir/two.pfx")"
check "where one of them opens it" ca_lab_opens "$dir/two.rec" "$dir/kra1.pfx" "$dir/two.pfx"

unreadable() { mv "$CA_STATE/kra" "$dir/kra.away" && touch "$CA_STATE/kra" && ca_lab_reload; }
readable() { rm "$CA_STATE/kra" && mv "$dir/kra.away" "$CA_STATE/kra"; }
given() { [ "$(grep -c 'KRAs given to the vault' "$dir/dircad.log")" -gt "$1" ]; }
check "the store cannot be read" unreadable
check "which is logged" ca_lab_eventually grep -q 'event_id=83' "$dir/dircad.log"
check "as an event too" event 83 '.level == "error" and .category == "kra"'
check "and takes nobody away" ca_lab_enroll user1 EFSArchive "$dir/unreadable.pfx"
before=$(grep -c 'KRAs given to the vault' "$dir/dircad.log")
check "it can be read again" readable
check "and is read without being told" eval "ca_lab_eventually given $before || ca_lab_eventually given $before"

# ---- a KRA of another CA ----
parents_kra() {
	ca_lab_parent 9 && ca_lab_parent_signs pkra 9 1.3.6.1.4.1.311.21.6 &&
		openssl pkcs12 -export -in "$dir/pkra.crt" -inkey "$dir/pkra.key" -out "$dir/pkra.pfx" -passout "file:$(ca_lab_pass)"
}
# As if an older program had made the CA.
older() {
	ca_lab_dircad_stop && rm "$CA_STATE/trust/kra-enabled" &&
		sqlite3 "$CA_STATE/dirca.db" "INSERT INTO Setting VALUES ('CA\KRACertCount', '2')" && ca_lab_dircad_start
}
check "a KRA of another CA" parents_kra
check "is refused, and the way is named" refuses "dirca kra issuers add" ca_lab_kra add "$dir/pkra.crt"
check "the store and number of an older program" older
check "are enabled as they were" eval "ca_lab_eventually ca_lab_is_ready && ca_lab_has_kras 2 2"
issuers() { "$DIRCA_BIN/dirca" kra issuers "$@" -c "$DIRCAD_CONF"; }
sha256() { openssl x509 -in "$1" -outform DER | sha256sum | cut -c1-64; }
# cured COMMAND...: it is refused, and the command in its sentence works as it is typed.
cured() {
	local cure
	"$@" >"$dir/cure.out" 2>&1 && return 1
	cure=$(sed -n 's/.*`dirca kra issuers \(add [0-9a-f]*\)`.*/\1/p' "$dir/cure.out")
	[ -n "$cure" ] || return 1
	# shellcheck disable=SC2086 # two words
	issuers $cure
}
is_issuer() { issuers --json | jq -e --arg h "$(sha256 "$1")" "any(.sha256 == \$h and .is_issuer == $2)"; }
check "that CA publishes itself in the directory" ca_lab_published parent
check "which root sees" is_issuer "$dir/parent.crt" false
check "and this one, which needs no word" says "this CA (CN=AIA" issuers
check "the directory takes nobody: its agent is refused" refuses CERTSRV_E_NO_VALID_KRA ca_lab_kra add "$dir/pkra.crt"
check "a name is anybody's who can write there" refuses "compare the hash" issuers add Parent
check "nor is a KRA an issuer" refuses CERT_E_WRONG_USAGE issuers add "$dir/pkra.crt"
check "the refusal names the command, which works as it is typed" cured ca_lab_kra add "$dir/pkra.crt"
check "so root took that CA" is_issuer "$dir/parent.crt" true
check "which is recorded" audited 'verb=kra issuers add value=issuer old=none' 1
check "once: again nothing changes" eval 'says "Already an issuer" issuers add "$(sha256 "$dir/parent.crt")" && audited "verb=kra issuers add %" 1'
check "then it is taken" ca_lab_kra add "$dir/pkra.crt"
check "without a CRL of its CA it is not used" ca_lab_eventually kra_is "$dir/pkra.crt" untrusted
check "which the status says" says "cannot be checked" ca_lab_as caadmin kra status
check "that CA publishes in the directory" ca_lab_parent_cdp
check "a CRL that lists it" ca_lab_parent_crl "$(ca_lab_serial_of "$dir/pkra.crt")"
check "it is revoked" ca_lab_eventually kra_is "$dir/pkra.crt" revoked
check "and a CRL that does not" ca_lab_parent_crl
check "for archival too" ca_lab_eventually ca_lab_status '[.kras[] | select(.valid)] | length == 3'
check "where three are used" ca_lab_count_kras 3
check "of a key" ca_lab_enroll user1 EFSArchive "$dir/parents.pfx"
check "that is fetched" fetch "$dir/parents.rec" "$(ca_lab_serial_of "$dir/parents.pfx")"
check "and opened by it" ca_lab_opens "$dir/parents.rec" "$dir/pkra.pfx" "$dir/parents.pfx" --ca "$CA_STATE/ca.crt"

# ---- of a CA below that one ----
sub_ca() { ca_lab_sub sub && ca_lab_parent_signs skra 9 1.3.6.1.4.1.311.21.6 '' sub && ca_lab_published sub; }
check "a KRA of a CA below it" sub_ca
check "is not that of a CA that root took" cured ca_lab_kra add "$dir/skra.crt"
check "its CA is" is_issuer "$dir/sub.crt" true
check "it is taken" ca_lab_kra add "$dir/skra.crt"
check "without a CRL of its CA it is not used" ca_lab_eventually kra_is "$dir/skra.crt" untrusted
check "with one it is" eval 'ca_lab_cdp sub && ca_lab_crl sub && ca_lab_eventually kra_is "$dir/skra.crt" valid'
check "the CA above revokes its CA: it is not" eval 'ca_lab_parent_crl "$(ca_lab_serial_of "$dir/sub.crt")" && ca_lab_eventually kra_is "$dir/skra.crt" revoked'
check "which the status says" says "the CA certificate of CN=sub" ca_lab_as caadmin kra status
check "and does not" eval 'ca_lab_parent_crl && ca_lab_eventually kra_is "$dir/skra.crt" valid'
check "root takes the CA above back" issuers remove Parent
check "whose own agent is used no more, at once" ca_lab_eventually kra_is "$dir/pkra.crt" untrusted
check "which is recorded" audited 'verb=kra issuers remove value=none old=issuer' 1
check "that of the CA below it is used: above it is looked for in the directory" kra_is "$dir/skra.crt" valid
check "where it is not" ldapdelete -Q -Y EXTERNAL -H "$LDAPI_URI" "CN=parent,CN=AIA,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
check "nothing is known of that CA" ca_lab_eventually kra_is "$dir/skra.crt" untrusted
check "as the status says" ca_lab_status 'any(.kras[]; .reason // "" | contains("the CA above it is not in the directory"))'
check "root takes the CA above from a file" issuers add "$dir/parent.crt"
check "and both are used" eval 'ca_lab_eventually kra_is "$dir/skra.crt" valid && ca_lab_eventually kra_is "$dir/pkra.crt" valid'
check "the lower one is removed" eval 'issuers remove sub && ca_lab_eventually kra_is "$dir/skra.crt" untrusted'

# ---- whose CRL is not in the directory, but on the web ----
port=$(lab_free_port)
on_the_web() {
	mkdir "$dir/www" && openssl crl -in "$dir/parent.crl" -outform DER -out "$dir/www/parent.crl" || return 1
	python3 -m http.server --bind 127.0.0.1 --directory "$dir/www" "$port" >"$dir/web.out" 2>&1 &
	web=$!
	ca_lab_eventually curl -sf "http://127.0.0.1:$port/parent.crl" -o /dev/null
}
check "another KRA of that CA says where" ca_lab_parent_signs wkra 9 1.3.6.1.4.1.311.21.6 "crlDistributionPoints = URI:http://127.0.0.1:$port/parent.crl"
check "the CRL is there" on_the_web
check "and not in the directory" ldapdelete -Q -Y EXTERNAL -H "$LDAPI_URI" "CN=Parent,CN=CDP,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
check "that KRA is taken" ca_lab_kra add "$dir/wkra.crt"
check "and used" ca_lab_eventually kra_is "$dir/wkra.crt" valid
check "the one that does not say where is not" ca_lab_eventually kra_is "$dir/pkra.crt" untrusted
check "as the status says" says "nor by HTTP" ca_lab_as caadmin kra status

# ---- candidates, and a script that recovers all of them ----
retrievals() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = 1"; }
shown_only() { # who can open it, by name, and no record of a retrieval
	local before
	before=$(retrievals)
	officer getkey "$(ca_lab_serial_of "$dir/user2.pfx")" >"$dir/shown" && cat "$dir/shown" && [ "$(retrievals)" = "$before" ] &&
		[ "$(grep -c '^Recipient Info\[[01]\]:$' "$dir/shown")" = 2 ] && [ "$(grep -c '^  Subject: .*kra[123]' "$dir/shown")" = 2 ] &&
		grep -q '^  Version: 3$' "$dir/shown" && grep -q '^  Cert Hash(sha1): ' "$dir/shown" && grep -q '^  Template: EFSArchive$' "$dir/shown"
}
mkdir "$dir/cwd"
check "without a file who can open it is shown, and nothing fetched" eval 'cd "$dir/cwd" && shown_only'
check "BLOB and JSON are not mixed" eval 'fails_with 2 officer getkey user1@nwtraders.com - --json | cat'
check "nor written" test -z "$(ls "$dir/cwd")"
keys_of_user1() { officer getkey user1@nwtraders.com --json "$@" 2>"$dir/keys.err" | jq '.candidates | length'; }
all=$(keys_of_user1)
check "several are listed" test "$all" -gt 3
check "and that is an error" refuses 'Ambiguous name' officer getkey user1@nwtraders.com
check "with the paper's number" refuses 0x8002802C officer getkey user1@nwtraders.com
check "of a template" test "$(keys_of_user1 --template efsarchive)" = "$all"
check "and not of another" test "$(keys_of_user1 --template User)" = 0
check "of the last hour" test "$(keys_of_user1 --since 1h)" = "$all"
no_such() { refuses 'let through' officer getkey user1@nwtraders.com --since 1h --template User; }
check "what lets nothing through is said" no_such
check "one is revoked" officer revoke "$(ca_lab_serial_of "$dir/two.pfx")" --reason superseded
check "and left out" test "$(keys_of_user1)" = $((all - 1))
check "which is said" grep -q '1 more that are revoked' "$dir/keys.err"
check "but for who asks for it" test "$(keys_of_user1 --include-revoked)" = "$all"
check "or names it" says 'Revoked: ' officer getkey "$(ca_lab_serial_of "$dir/two.pfx")"
rm -f "$dir"/kra-keys/*
for file in kra1 kra2 kra3 pkra rekeyed; do cp "$dir/$file.pfx" "$dir/kra-keys"; done
cat "$dir/parent.crt" "$CA_STATE/ca.crt" >"$dir/trusted.pem"
script() { # OPTION...: made and run, each program's arguments and environment written down
	officer getkey --script user1@nwtraders.com "$@" >"$dir/cwd/recover.sh" && sh -n "$dir/cwd/recover.sh" &&
		(cd "$dir/cwd" && rm -f programs user1.p12 && HOME=$(ca_lab_home officer1) LD_PRELOAD=$exec_shim EXEC_SHIM=$dir/cwd/programs TMPDIR=$dir/cwd \
			sh recover.sh --kra "$dir/kra-keys" --kra-password-file "$(ca_lab_pass)" --ca "$dir/trusted.pem" >said) && cat "$dir/cwd/said" &&
		password=$(sed -n 's/^PASSWORD: "\(.*\)"$/\1/p' "$dir/cwd/said") && [ ${#password} = 32 ]
}
p12() { openssl pkcs12 -in "$dir/cwd/user1.p12" -passin "pass:$password" -nodes "$@" 2>"$dir/openssl.err"; }
has_every_key() { # N, and that of key.pfx among them
	[ "$(p12 -nocerts | grep -c 'BEGIN PRIVATE KEY')" = "$1" ] && [ "$(p12 -clcerts -nokeys | grep -c 'BEGIN CERT')" = "$1" ] &&
		p12 -nocerts | grep -qF "$(ca_lab_key_of "$dir/key.pfx" | sed -n 3p)"
}
kept_quiet() { # nothing but the file is there, and no program was given the password
	[ "$(cd "$dir/cwd" && echo *)" = 'programs recover.sh said user1.p12' ] && grep -q recoverkey "$dir/cwd/programs" &&
		! grep -F "$password" "$dir/cwd/programs" && [ "$(stat -c %a "$dir/cwd/user1.p12")" = 600 ]
}
check "a script recovers all of them" script --template EFSArchive
check "into one file, whose password it says" has_every_key $((all - 1))
check "and to nobody else" kept_quiet
check "once there it is not written over" refuses 'nothing was fetched' eval 'cd "$dir/cwd" && sh recover.sh --kra x'
check "it says how it is run" fails_with 2 env HOME="$dir/nobody" sh "$dir/cwd/recover.sh"
stops() { # at the KRA's password: nothing is left
	rm "$dir/cwd/user1.p12" && HOME=$(ca_lab_home officer1) TMPDIR=$dir/cwd "$here/../support/by_hand.py" "sees Password of
presses C
ends 130" -- sh -c "cd $dir/cwd && exec sh recover.sh --kra $dir/kra1.pfx --ca $dir/trusted.pem" && [ "$(cd "$dir/cwd" && echo *)" = 'programs recover.sh said' ]
}
check "Ctrl-C leaves nothing" stops

# ---- recovery as a case ----
set_recovery() { ca_lab_as caadmin setreg "CA\\Recovery\\$1" "$2"; }
# typed WHO SED COMMAND...: the command that its refusal names, with SED applied to the words that are left to him, typed by WHO.
typed() {
	local line
	line=$("${@:3}" 2>&1 | sed -n 's/.*`dirca \([^`]*\)`.*/\1/p' | head -1 | sed "$2")
	[ -n "$line" ] && echo "$line" && eval "ca_lab_as $1 $line"
}
case_is() { ca_lab_as "$1" case show "$case" --json | jq -e "$2"; }
case_records() { [ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = $1 AND Detail LIKE 'case=$case %'")" = "$2" ]; }
serial=$(ca_lab_serial_of "$dir/user2.pfx")
getcase() { officer getkey "$serial" "$dir/case.rec"; }
check "keys of a template need a case, and two persons" set_recovery SecondApprover EFSArchive
check "a template that there is not protects nothing" refuses E_INVALIDARG set_recovery SecondApprover EFSArchiv
check "without a case no key is handed out" refuses DIRCA_E_CASE_REQUIRED getcase
check "the explanation says so" says '`dirca case open ' officer explain recover officer1 "$serial"
check "the refusal names what opens one" says "is waiting" typed officer1 's/REASON/lost/; s/TICKET/INC-4711/' getcase
case=$(sqlite3 "$CA_STATE/dirca.db" "SELECT max(CaseID) FROM RecoveryCase")
check "who opened it does not approve it" refuses DIRCA_E_OWN_REQUEST officer case approve "$case"
check "a user neither" refuses E_ACCESSDENIED ca_lab_as user2 case approve "$case"
check "while it waits nothing is handed out, and who decides is named" says "officer1 fetches until" typed officer2 '' getcase
check "what was lost is revoked first" says revoked typed officer1 '' getcase
check "two retrievals failed, and both say of which case" case_records 0 2
check "then it is fetched" getcase
check "into the trail" case_records 1 1
told_case() { "$DIRCA_BIN/dirca" recoverkey "$1" --json --ca "$CA_STATE/ca.crt" | jq -e ".retrieval | $2"; }
check "and the agent sees by which case" told_case "$dir/case.rec" ".case_id == $case and .ticket == \"INC-4711\""
check "in words, too" says "Recovery Case: $case, ticket INC-4711" "$DIRCA_BIN/dirca" recoverkey "$dir/case.rec" --ca "$CA_STATE/ca.crt"
check "or that nobody opened one" told_case "$dir/key.rec" '.case_id > 0 and .ticket == null'
check "the case is closed, since the key arrived" case_is officer2 '.state == "closed" and .reason == "lost" and .ticket == "INC-4711" and .keys[0].fetches == 1'
rm "$dir/case.rec"
check "and serves no more" refuses 'is closed' officer getkey "$serial" "$dir/case.rec" --case "$case"
check "an auditor sees it" case_is auditor '.approved_by == "NWTRADERS\\officer2" and .opened_by == "NWTRADERS\\officer1"'
listed() { ca_lab_as auditor case list --state all --json "${@:2}" | jq -e "$1"; }
check "among all" listed "length > 3 and any(.[]; .reason == \"none\")"
check "by pages" eval '[ "$(ca_lab_as auditor case list --state all --limit 2 2>"$dir/more" | wc -l)" = 3 ] && grep -e "--after 2 " "$dir/more"'
check "by the key" listed "all(.[]; .keys[0].serial_number == \"${serial,,}\") and .[-1].case_id == $case" --serial "$serial"
check "an administrator neither" refuses E_ACCESSDENIED ca_lab_as caadmin case list
check "a case for nobody's keys" refuses CRYPT_E_NOT_FOUND officer case open nobody --reason left --ticket INC-1
check "one that is withdrawn" says "is waiting" officer case open user2 --reason other --note 'a move' --ticket INC-2
case=$((case + 1))
check "by who opened it" says "is closed" officer case close "$case" --reason "found the old disk"
check "as before" set_recovery SecondApprover None
check "again" getcase

# ---- CAs that do not answer ----
# other_ca NAME URL KEY-HASH: an enrollment service with the certificate of this CA.
other_ca() {
	printf 'dn: CN=%s,CN=Enrollment Services,CN=Public Key Services,CN=Services,%s\n' "$1" "$LDAP_CONFIG_BASE"
	printf 'objectClass: pKIEnrollmentService\nobjectClass: dircaAuthority\ncn: %s\ndNSHostName: localhost\n' "$1"
	printf 'dircaServiceURL: %s\ncertificateTemplates: None\ndircaServiceKeyHash:: %s\n' "$2" "$(openssl rand -base64 32)"
	printf 'cACertificate;binary:: %s\n\n' "$(openssl x509 -in "$CA_STATE/ca.crt" -outform DER | base64 -w 0)"
}
others() { { other_ca A-Silent-CA "https://localhost:$(lab_free_port)" && other_ca Z-Refusing-CA "$CA_URL"; } | ldapadd -Q -Y EXTERNAL -H "$LDAPI_URI"; }
check "two CAs do not answer" others
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# One that takes the connection and says nothing.
silent() {
	local port=$1
	python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(900)' "$port" &
	silent=$!
	ca_lab_eventually listens "$port" && other_ca H-Hanging-CA "https://localhost:$port" | ldapadd -Q -Y EXTERNAL -H "$LDAPI_URI"
}
hangs() { # SECONDS...: the others are listed, the one is named, and the status says so
	officer getkey user2 --include-revoked --timeout 6 >"$dir/hang.out" 2>"$dir/hang.err"
	[ $? -eq 5 ] && cat "$dir/hang.out" "$dir/hang.err" && grep -q "$(ca_lab_serial_of "$dir/user2.pfx" | tr '[:upper:]' '[:lower:]')" "$dir/hang.out" &&
		grep -q 'H-Hanging-CA.*no answer within 6 s' "$dir/hang.err" && grep -q '3 CAs did not answer' "$dir/hang.err"
}
not_waited_for() { # a serial number is found before the one that hangs is given up
	timeout 25 "$DIRCA_BIN/dirca" --version >/dev/null && HOME=$(ca_lab_home officer1) timeout 25 "$DIRCA_BIN/dirca" getkey "$(ca_lab_serial_of "$dir/user2.pfx")" --timeout 300
}
only_one() { # and the only one that is asked is given up as the others are, at a terminal with dots
	HOME=$(ca_lab_home officer1) "$here/../support/by_hand.py" 'sees H-Hanging-CA...
sees .
sees no answer within 2 s' -- "$DIRCA_BIN/dirca" getkey user2 "$dir/no.rec" --ca H-Hanging-CA --timeout 2
}
check "a third hangs" silent "$(lab_free_port)"
only_one >"$dir/only.out" 2>&1 &
only=$!
check "and holds up nobody" hangs
ends_too() { wait "$only" || { cat "$dir/only.out"; return 1; }; }
check "nor for ever who asks no other" ends_too
unnamed() { # nor is a name server waited for that says nothing, not when all is closed either
	local status
	other_ca N-Nameless-CA https://nobody.invalid:1 | ldapadd -Q -Y EXTERNAL -H "$LDAPI_URI" || return 1
	LD_PRELOAD=$name_shim HOME=$(ca_lab_home officer1) timeout 30 "$DIRCA_BIN/dirca" getkey user2 "$dir/no.rec" --ca N-Nameless-CA --timeout 1 2>"$dir/unnamed"
	status=$?
	ldapdelete -Q -Y EXTERNAL -H "$LDAPI_URI" "CN=N-Nameless-CA,CN=Enrollment Services,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" || return 1
	[ $status -eq 1 ] && grep -q 'N-Nameless-CA.*no answer within 1 s' "$dir/unnamed"
}
check "nor whose host no name server names" unnamed
check "who names a serial number does not wait for it" not_waited_for
check "a name may have another key there" refuses "may not be the only key" officer getkey user2 "$dir/no.rec" --include-revoked --timeout 6
dots() { # and each second that nobody answers a dot
	HOME=$(ca_lab_home officer1) "$here/../support/by_hand.py" 'sees H-Hanging-CA...
sees ...
sees DIRCA_E_NETWORK' -- "$DIRCA_BIN/dirca" getkey user2 "$dir/no.rec" --include-revoked --timeout 6
}
check "the error is what the CA said, and who waits at a terminal sees that it goes on" dots
check "nothing is fetched" test ! -e "$dir/no.rec"
check "a serial number is enough" fetch "$dir/serial.rec" "$(ca_lab_serial_of "$dir/user2.pfx")"
check "and a thumbprint" fetch "$dir/hash.rec" "$(ca_lab_sha1 "$dir/user2.pfx")"
check "the name with --ca" fetch "$dir/ca.rec" user2 --include-revoked --ca "$CA_NAME"
check "keys need a case" ca_lab_as caadmin setreg 'CA\Recovery\RequireCase' 1 --ca "$CA_NAME"
one_refused() { one_of_several 2>&1 | grep 'case only'; }
one_of_several() { officer getkey "$(ca_lab_serial_of "$dir/user2.pfx")" "$dir/several.rec"; }
check "the command that opens one names the CA" says "is open" typed officer1 's/REASON/damaged/; s/TICKET/INC-5/' one_refused
check "as it was named" refuses " --ca '$CA_NAME'" ca_lab_as officer1 case deny "$(sqlite3 "$CA_STATE/dirca.db" "SELECT max(CaseID) FROM RecoveryCase")" --ca "$CA_NAME"
check "then it is fetched" one_of_several
check "(none again)" ca_lab_as caadmin setreg 'CA\Recovery\RequireCase' 0 --ca "$CA_NAME"

# ---- somebody who left ----
serial=$(ca_lab_serial_of "$dir/key.pfx")
trail() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = 1 AND Detail LIKE 'groups=recorded %'"; }
check "managers are restricted" ca_lab_as caadmin officer restrict --ca "$CA_NAME"
check "officer1 to the domain's people" ca_lab_as caadmin officer allow officer1 --for 'Domain Users' --ca "$CA_NAME"
check "user1 leaves" ldapdelete -Q -Y EXTERNAL -H "$LDAPI_URI" "cn=user1,$CA_LAB_USERS"
check "and the key is recovered" ca_lab_eventually fetch "$dir/left.rec" "$serial"
check "which the trail says" test "$(trail)" -gt 0
check "and the explanation" says "written down with the request" officer explain recover officer1 "$serial" --ca "$CA_NAME"
check "the key is found by where the account was" refuses "$(tr '[:upper:]' '[:lower:]' <<<"$serial")" officer getkey 'Users\user1' --ca "$CA_NAME"
checks_end
