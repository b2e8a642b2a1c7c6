#!/bin/bash
# kill -9 of front, vault or supervisor at random moments under a load of archived enrollments: every acknowledged
# certificate is in the database with its key, none is there without one, the database and its audit trail are whole,
# and no process outlives its supervisor. Two people enroll meanwhile by `dirca enroll`, which is killed too: each of their
# certificates is one that they have, with its key. In the end every archived key is opened by every KRA that it is sealed to, and one is
# recovered by getkey and recoverkey.
#
# KILLS: rounds, 12 by default; 2000 is the long run, of two hours. KILL_SEED: repeats the choice of victims and moments.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

KILLS=${KILLS:-12}
KILL_SEED=${KILL_SEED:-$((SRANDOM % 32768))}
RANDOM=$KILL_SEED
work=$(mktemp -d /tmp/dirca-kill9-XXXXXX)
load_pid=
people=()
finish() {
	touch "$work/enough"
	[ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null
	[ ${#people[@]} -eq 0 ] || wait "${people[@]}"
	ca_lab_stop
	checks_clean "$work"
}
trap finish EXIT
checks_begin "$work"
acks=$work/acks

# child_of PID ROLE: the process that the supervisor started in that role.
child_of() {
	local pid
	for pid in $(ps -o pid= --ppid "$1"); do
		if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx -- "--role=$2"; then
			echo "$pid"
			return 0
		fi
	done
	return 1
}

# Serving again, with another pair than before: an enrollment is acknowledged after the kill.
serves_again() {
	local before=$1 now until=$((SECONDS + LAB_PATIENCE_S))
	while [ "$SECONDS" -le "$until" ]; do
		now=$(wc -l <"$acks")
		[ "$now" -gt "$before" ] && return 0
		kill -0 "$load_pid" 2>/dev/null || { echo "the load ended"; cat "$work/load.err"; return 1; }
		sleep 0.1
	done
	echo "no enrollment for $LAB_PATIENCE_S s after the kill"
	tail -5 "$CA_LAB_DIR/dircad.log"
	return 1
}

kill_child() {
	local pid
	old_front=$(child_of "$1" front) && pid=$(child_of "$@") && kill -KILL "$pid"
}

# A front whose vault is dead still answers what the vault had signed: only the next one tells of another life.
has_next_front() {
	local front
	front=$(child_of "$1" front) && [ "$front" != "$old_front" ]
}

kill_one() {
	local role=$1 supervisor
	supervisor=$(<"$CA_LAB_DIR/dircad.pid")
	sleep "0.$((RANDOM % 900 + 100))"
	if [ "$role" != supervisor ]; then
		# The pair may be between two lives.
		ca_lab_eventually kill_child "$supervisor" "$role" && ca_lab_eventually has_next_front "$supervisor"
		return
	fi
	ca_lab_dircad_kill && ca_lab_dircad_start
}

# The number of rows that a query finds, once no writer holds the database back.
count() {
	sqlite3 -cmd '.timeout 10000' "file:$CA_STATE/dirca.db?mode=ro" "$1"
}

# Of the rows after that one.
no_issued_row_lacks_its_key() { # ROW
	local n
	n=$(count "SELECT count(*) FROM Request r LEFT JOIN RequestBlob b USING (RequestID)
		WHERE r.RequestID > $1 AND r.Disposition = 20 AND r.CertificateTemplate = 'EFSArchive'
		AND (b.RawArchivedKey IS NULL OR length(b.RawArchivedKey) < 500 OR r.HasArchivedKey <> 1
			OR r.KeyRecoveryHashes IS NULL OR length(replace(r.KeyRecoveryHashes, ' ', '')) <> 81)") || return 1
	[ "$n" = 0 ] || { echo "$n issued rows without their key and both KRAs"; return 1; }
}

# A serial number that a client was told of, after the first so many, and that is not an issued row with its key, after that row.
acknowledged_are_there() { # NUMBER ROW
	local n
	tail -n "+$(($1 + 1))" "$acks" >"$work/acks.new"
	n=$(sqlite3 -cmd '.timeout 10000' :memory: "ATTACH 'file:$CA_STATE/dirca.db?mode=ro' AS ca" \
		"CREATE TABLE ack (s TEXT)" ".import $work/acks.new ack" \
		"SELECT count(*) FROM ack WHERE s NOT IN (SELECT r.SerialNumber FROM ca.Request r JOIN ca.RequestBlob b USING (RequestID)
			WHERE r.RequestID > $2 AND r.Disposition = 20 AND length(b.RawArchivedKey) > 500)") || return 1
	[ "$n" = 0 ] || { echo "$n of $(wc -l <"$acks") acknowledged certificates are lost"; return 1; }
}
# What came since the last round; all of it is looked at in the end. A row may be older than its acknowledgement, by few others.
new_ones() {
	local row acknowledged
	row=$(count 'SELECT max(RequestID) FROM Request') && acknowledged=$(wc -l <"$acks") &&
		no_issued_row_lacks_its_key "$seen_row" && acknowledged_are_there "$seen_acks" $((seen_row - 100)) || return 1
	seen_row=$row seen_acks=$acknowledged
}
seen_row=0 seen_acks=0

integrity() {
	local said
	said=$(count 'PRAGMA integrity_check')
	[ "$said" = ok ] && return
	echo "$said"
	return 1
}

# Every archived key: the right one, for both of its KRAs.
keys_are_right() {
	"$DIRCA_BIN/archive_verify" "$CA_STATE/dirca.db" "$(ca_lab_pass)" "$CA_LAB_DIR"/kra?.pfx >"$work/keys.out" || return 1
	cat "$work/keys.out"
	[ "$(<"$work/keys.out")" = "$(count "SELECT n || ' archived keys, opened ' || (2 * n) || ' times' FROM (SELECT count(*) AS n FROM Request
		WHERE HasArchivedKey AND Disposition = 20)")" ]
}

# The last that user3 has, by the verbs.
is_recovered() {
	local serial n
	serial=$(tail -1 "$work/user3.serials") && n=$(wc -l <"$work/user3.serials")
	ca_lab_as officer1 getkey "$serial" "$work/last.rec" || return 1
	for kra in 1 2 3; do
		ca_lab_as "kra$kra" recoverkey "$work/last.rec" "$work/last.pfx" --kra "$CA_LAB_DIR/kra$kra.pfx" \
			--kra-password-file "$(ca_lab_pass)" --out-password-file "$(ca_lab_pass)" && break
	done
	cmp <(ca_lab_key_of "$work/last.pfx") <(ca_lab_key_of "$work/user3-$((n - 1)).pfx")
}

# The recipients inside one archived key in a hundred, read by another program: two, both of the three KRAs.
recipients() {
	local id der
	for id in $(count "SELECT RequestID FROM Request WHERE Disposition = 20 AND CertificateTemplate = 'EFSArchive' AND RequestID % 100 = 7"); do
		der=$(count "SELECT hex(RawArchivedKey) FROM RequestBlob WHERE RequestID = $id") || return 1
		printf '%s' "$der" | xxd -r -p >"$work/key.der"
		[ "$(openssl cms -cmsout -print -noout -inform DER -in "$work/key.der" | grep -c 'd.ktri')" = 2 ] ||
			{ echo "request $id: not two recipients"; return 1; }
	done
}

audit_holds() {
	"$DIRCA_BIN/audit_verify" "$CA_STATE/dirca.db"
}

load_start() {
	"$DIRCA_BIN/bench_enroll" --port "${CA_URL##*:}" --ca "$CA_STATE/ca.crt" --user user1 \
		--password-file "$(lab_password_file user1)" --seconds 86400 --warm-up 0 --clients 4 --acks "$acks" \
		>"$work/load.out" 2>"$work/load.err" &
	load_pid=$!
	lab_answers "$load_pid" test -s "$acks"
}

load_end() {
	kill -TERM "$load_pid"
	wait "$load_pid"
	local status=$?
	load_pid=
	[ $status -eq 0 ] || cat "$work/load.err"
	return $status
}

# enrolls USER TEMPLATE: one certificate after the other, until there are enough. A run in three is killed; what failed is run again.
# Their serial numbers go to a file.
enrolls() {
	local user=$1 template=$2 i out limit
	ca_lab_person "$user" || return 1
	for ((i = 0; ; i++)); do
		out=$work/$user-$i.pfx
		until [ -e "$out" ]; do
			limit=60
			[ $((RANDOM % 3)) -ne 0 ] || limit=$((RANDOM % 3)).$((RANDOM % 10))
			HOME=$(ca_lab_home "$user") timeout -s KILL "$limit" "$DIRCA_BIN/dirca" enroll "$template" \
				--key p256 --json --out "$out" --out-password-file "$(ca_lab_pass)" >/dev/null 2>>"$work/$user.err"
		done
		openssl pkcs12 -in "$out" -passin "file:$(ca_lab_pass)" -clcerts -nodes >"$work/$user.pem" 2>/dev/null &&
			cmp <(openssl x509 -in "$work/$user.pem" -noout -pubkey) <(openssl pkey -in "$work/$user.pem" -pubout) || return 1
		ca_lab_serial_of "$work/$user.pem" >>"$work/$user.serials"
		[ ! -e "$work/enough" ] || return 0
	done
}

people_start() {
	enrolls user2 User >"$work/user2.out" 2>&1 &
	people+=($!)
	enrolls user3 EFSArchive >"$work/user3.out" 2>&1 &
	people+=($!)
}

people_end() {
	touch "$work/enough"
	wait "${people[@]}"
	people=()
	wc -l "$work"/user?.serials
}

# Neither a certificate that its owner lacks, nor two for one key.
owners_have_theirs() { # USER
	count "SELECT upper(SerialNumber) FROM Request WHERE Disposition = 20 AND RequesterName LIKE '%\\$1'" | sort >"$work/$1.issued"
	sort "$work/$1.serials" | diff "$work/$1.issued" - && [ -s "$work/$1.issued" ]
}

# The certificates of the load would fill user1's entry in the directory.
do_not_publish() {
	printf 'dn: CN=EFSArchive,CN=Certificate Templates,CN=Public Key Services,CN=Services,%s\nchangetype: modify\nreplace: msPKI-Enrollment-Flag\nmsPKI-Enrollment-Flag: 33\n\n' \
		"$LDAP_CONFIG_BASE" | ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" >/dev/null && ca_lab_has_read
}

# What a process that was killed had signed may lack its row; a row never lacks its record in the vault's journal.
journal_has_every_row() {
	"$DIRCA_BIN/dirca" audit compare -c "$DIRCAD_CONF" --json >"$work/compare.json"
	cat "$work/compare.json"
	jq -e '.stored_only == [] and .perhaps_lost == [] and .signed.certificates > 0' "$work/compare.json"
}

echo "kill9: $KILLS kills, KILL_SEED=$KILL_SEED"
check "the lab starts" ca_lab_start "$work/lab" || exit 1
check "three KRAs, two for a key" ca_lab_kras 3
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "certificates are not published" do_not_publish
check "the load starts" load_start
check "and people who enroll" people_start
roles=(front vault supervisor)
for ((round = 1; round <= KILLS && CHECKS_BAD == 0; round++)); do
	role=${roles[RANDOM % 3]}
	check "$round: kill -9 $role" kill_one "$role"
	# Acknowledged after this line means after the kill: the old pair has ended.
	check "$round: it serves again" serves_again "$(wc -l <"$acks")"
	check "$round: no issued row lacks its key, and every acknowledged key is there" new_ones
	[ $((round % 10)) -ne 0 ] || [ "$round" -gt 200 ] || check "$round: the database is whole" integrity
done
check "the load met nothing but broken connections" load_end
check "people have what they asked for" people_end
check "each certificate without archival is its owner's" owners_have_theirs user2
check "each archived one too" owners_have_theirs user3
check "the last of them is recovered" is_recovered
check "dircad stops" ca_lab_dircad_stop
check "every acknowledged key is there" acknowledged_are_there 0 0
check "no issued row lacks its key" no_issued_row_lacks_its_key 0
check "every archived key opens, and is the right one" keys_are_right
check "archived keys have two recipients" recipients
check "the database is whole" integrity
check "the audit trail holds" audit_holds
check "the vault's journal has every row" journal_has_every_row
echo "$(wc -l <"$acks") acknowledged, $(count "SELECT count(*) FROM Request WHERE Disposition = 20 AND CertificateTemplate = 'EFSArchive'") issued"
checks_end
