#!/usr/bin/env bash
# S11: an account that may enroll fills the CA's disk with requests that are refused, or that wait. S16: an officer searches for
# archived keys, and root changes who can open them, without a trace. usage: s11_s16_insiders.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-s11.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

# curl signs in by a password alone, which is bound to no channel.
export CA_LAB_OPTIONS=$'channel_binding = off\n'
query() { sqlite3 "$CA_STATE/dirca.db" "$1"; }
# audited EVENT SUCCESS WORDS [COUNT]: so many records (1) hold these words.
audited() {
	local got
	got=$(query "SELECT count(*) FROM Audit WHERE EventID = $1 AND Success = $2
		AND instr(Actor || ' ' || coalesce(Object, '') || ' ' || coalesce(Detail, ''), '$3') > 0")
	[ "$got" -eq "${4:-1}" ] || { echo "$got records"; return 1; }
}
# post USER FILE TEMPLATE: the status, and the answer's headers in $dir/headers.
post() {
	curl -sS -o "$dir/answer" -D "$dir/headers" -w '%{http_code}\n' --cacert "$CA_STATE/ca.crt" \
		-u "$1:$(<"$(lab_password_file "$1")")" -H 'Content-Type: application/pkcs10' --data-binary "@$2" \
		"$CA_URL/.well-known/est/$3/simpleenroll"
}
# records_as_front FOLDER: a record of root's on a CA whose front is a user of its own is written as that user, to whom root gives nothing
# that lies beside the database, whatever a broken front calls it.
records_as_front() {
	mkdir -m 01771 "$1" && chgrp www-data "$1" && touch "$1/tls.key" &&
		printf '%s\n' 'ca_name = other' 'host = h.example' 'dir_uris = ldap://127.0.0.1:1' "state_dir = $1" 'user = www-data' \
			>"$1.conf" && "$DIRCA_BIN/dircad" -c "$1.conf" --create-database && "$DIRCA_BIN/dircad" -c "$1.conf" --record -- 'kra add' bait '' || return 1
	[ "$(stat -c %U:%a "$1/dirca.db")" = www-data:600 ] && [ "$(stat -c %U "$1/tls.key")" = root ] &&
		[ "$(sqlite3 "$1/dirca.db" 'SELECT Actor FROM Audit')" = "$(sqlite3 "$CA_STATE/dirca.db" \
			"SELECT Actor FROM Audit WHERE EventID = 1795 LIMIT 1")" ]
}
# flood USER COUNT TEMPLATE: so many times a request of 50 KB; counts the statuses.
flood() {
	local i
	for ((i = 0; i < $2; i++)); do
		post "$1" "$dir/large.der" "$3"
	done | sort | uniq -c | tee "$dir/flood"
}
has_status() { grep -q " $1\$" "$dir/flood"; }
answers() { [ "$1" = "$("${@:2}")" ] || { cat "$dir/answer"; return 1; }; }
size() { query 'SELECT coalesce(sum(length(RawRequest)), 0) FROM RequestBlob'; }
admin() { ca_lab_as caadmin "$@"; }
restart_with() {
	ca_lab_dircad_stop && sed -i '/^low_space_mb/d' "$DIRCAD_CONF" && echo "low_space_mb = $1" >>"$DIRCAD_CONF" && ca_lab_dircad_start
}

check "a CA with two KRAs" ca_lab_start "$dir"
check "KRAs" ca_lab_kras 2
check "user1 archives a key" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
serial=$(query "SELECT SerialNumber FROM Request WHERE RequesterName = 'NWTRADERS\\user1' AND Disposition = 20")

# ---- S16 ----
check "officer1 looks for keys" ca_lab_as officer1 getkey 'NWTRADERS\user1' "$dir/user1.rec"
check "the search is in the audit trail" audited 1787 1 'NWTRADERS\officer1 NWTRADERS\user1 found=1 hidden=0'
check "user2 may not look" refuses E_ACCESSDENIED ca_lab_as user2 getkey user1@nwtraders.com "$dir/none.rec"
check "which is in the audit trail too" audited 1787 0 'NWTRADERS\user2 user1@nwtraders.com'
check "and in the log" grep -q 'candidate search refused.*user2' "$dir/dircad.log"
check "getkey onto a file that is there" refuses ERROR_FILE_EXISTS ca_lab_as officer1 getkey "$serial" "$dir/user1.rec"
check "fetches nothing" audited 787 1 'NWTRADERS\officer1'
check "user2 may not retrieve" answers 403 curl -sS -o "$dir/answer" -w '%{http_code}' --cacert "$CA_STATE/ca.crt" \
	-u "user2:$(<"$(lab_password_file user2)")" -H 'Content-Type: application/json' -d "{\"serial\":\"$serial\"}" \
	"$CA_URL/dirca/v1/recovery-blobs"
check "which is in the audit trail" audited 787 0 'NWTRADERS\user2'
for ((i = 0; i < 120; i++)); do
	echo "url = \"$CA_URL/dirca/v1/candidates?token=user1\""
done >"$dir/many.urls"
check "a refusal a hundred times over" curl -sS -o /dev/null --cacert "$CA_STATE/ca.crt" -u "user3:$(<"$(lab_password_file user3)")" \
	-K "$dir/many.urls"
check "is recorded a hundred times an hour" audited 1787 0 'NWTRADERS\user3' 100
kra=$(openssl x509 -in "$dir/kra2.crt" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | tr A-F a-f)
check "what was added to the KRA store, and enabled" audited 1795 1 "$kra verb=kra add" 2
check "root removes a KRA" "$DIRCA_BIN/dirca" kra remove --yes -c "$DIRCAD_CONF" "$kra"
check "which the audit trail tells, as it told the adding of two, and their number" audited 1795 1 "uid=$(id -u) login=" 8
check "with the certificate" audited 1795 1 "$kra verb=kra remove" 2
check "that is no longer enabled" audited 1795 1 "$kra verb=kra remove value=disabled old=enabled"
check "root removes it again" refuses ERROR_FILE_NOT_FOUND "$DIRCA_BIN/dirca" kra remove --yes -c "$DIRCAD_CONF" "$kra"
check "which failed" audited 1795 0 "$kra verb=kra remove"
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$dir"
	check "attack: root writes its record as the front's user" records_as_front "$dir/other"
fi
check "that the CA was published" audited 799 1 'verb=ca publish'

# ---- S11 ----
openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/key.pem" -subj / -outform DER -out "$dir/good.der" 2>/dev/null
openssl req -new -key "$dir/key.pem" -subj / -outform DER -out "$dir/large.der" \
	-addext "subjectAltName=$(printf 'DNS:%060d,' {1..700} | sed 's/,$//')" 2>/dev/null
check "control: a request" answers 200 post user2 "$dir/good.der" User
before=$(size)
flood user2 10 NoSuchTemplate
check "attack: refused requests leave nothing but a row" test "$(($(size) - before))" -eq 0
check "with the hash of each" test "$(query "SELECT count(RequestHash) FROM Request
	WHERE Disposition IN (30, 31) AND RequesterName = 'NWTRADERS\\user2'")" -eq 10
check "a quota" admin setreg 'CA\MaxRequestsPerHour' 15
flood user2 12 NoSuchTemplate
check "attack: more than the quota are refused" has_status 429
check "with the time when to come again" grep -qi '^Retry-After: [1-9]' "$dir/headers"
check "and not stored" test "$(query "SELECT count(*) FROM Request WHERE RequesterName = 'NWTRADERS\\user2'")" -le 15
check "recorded once" audited 792 0 'requests of' 1
check "control: others go on" ca_lab_enroll user1 User "$dir/other.pfx"

free=$(($(stat -f -c '%a * %S / 1048576' "$CA_STATE")))
check "a disk that is nearly full" restart_with $((free < 900000 ? free + 100000 : 1048576))
check "attack: a new request is refused" answers 503 post user3 "$dir/good.der" User
check "the status says so" ca_lab_status '.low_space and .free_megabytes > 0'
check "the log says so, once" test "$(grep -c 'low disk space' "$dir/dircad.log")" -eq 1
check "control: a key is recovered all the same" ca_lab_as officer1 getkey "$serial" "$dir/again.rec"
check "control: with its record" audited 787 1 'NWTRADERS\officer1' 2
checks_end
