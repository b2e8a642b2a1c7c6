#!/usr/bin/env bash
# The CA, or dirca on its machine, dies at each moment at which an act of an administrator or officer becomes durable or passes from one
# process to the other. What the next start finds is the act done or not done; asked for again it is done; nothing is done twice.
# usage: crash.sh LIBRARY (crash_shim). STEP: every STEPth moment, 4 by default; 1 are all of them. ACTS: those alone.
# KEYS: archived keys that an agent seals anew, 40 by default; with 10,000 see tests/bench/README.md.
# shellcheck disable=SC2317,SC2034 # the functions are called through check, STEP_back by name
set -u
here=$(cd "$(dirname "$0")" && pwd)
CA_LAB_PRELOAD=${1:?the library}
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

# Of those who took keys back one is to die between two transactions, of three: at each of these moments then. Drills have few of them.
STEP_back=${STEP:-1} STEP_reported=${STEP:-1} STEP_settled=${STEP:-1} STEP=${STEP:-4} KEYS=${KEYS:-40}
dir=$(mktemp -d /tmp/dirca-crash.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
export CRASH_SHIM=$dir/left
printf '\0\0\0\0' >"$CRASH_SHIM"

# set_left N; left prints it, 4294967295 for -1.
set_left() {
	# shellcheck disable=SC2059 # octets
	printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\0\\0" | dd of="$CRASH_SHIM" conv=notrunc status=none
}
left() { od -An -tu4 -N4 "$CRASH_SHIM" | tr -d ' '; }

officer() { ca_lab_as officer1 "$@"; }
admin() { ca_lab_as caadmin "$@"; }
root() { LD_PRELOAD=$CA_LAB_PRELOAD "$DIRCA_BIN/dirca" "$@" -c "$DIRCAD_CONF"; }
sql() { sqlite3 -readonly "$CA_STATE/dirca.db" "$1"; }
is_serving() { ca_lab_answers >/dev/null && ca_lab_is_ready; }
serves_again() {
	kill -0 "$(<"$dir/dircad.pid")" 2>/dev/null || ca_lab_dircad_start || return 1
	ca_lab_eventually is_serving >/dev/null
}
sound() { "$DIRCA_BIN/dirca" db check -c "$DIRCAD_CONF" | grep -q 'is sound'; }

# each ACT: ACT_prepare makes what it is about; ACT_act does it; ACT_is says what there is now: "before" or "done", anything else is neither.
# It is asked before, after the crash, and after the act was asked for again; moment after moment, until the act comes to its end first.
each() {
	local act=$1 n died=0 state moments=0 step=STEP_$1
	step=${!step:-$STEP}
	for ((n = 1; ; n += step)); do
		"${act}_prepare" || { echo "$act: cannot be prepared"; return 1; }
		state=$("${act}_is")
		[ "$state" = before ] || { echo "$act: '$state' before it"; return 1; }
		set_left "$n"
		"${act}_act" >"$dir/act.out" 2>&1
		if [ "$(left)" != 4294967295 ]; then
			set_left 0
			[ "$(left)" = 4294967295 ] || break
		fi
		died=$((died + 1))
		set_left 0
		serves_again || { echo "$act, moment $n: the CA does not serve again"; return 1; }
		state=$("${act}_is")
		[ "$state" = before ] || [ "$state" = "done" ] || { echo "$act, moment $n: neither done nor not done: '$state'"; return 1; }
		if [ "$state" = before ]; then
			"${act}_act" || { echo "$act, moment $n: cannot be done after it"; return 1; }
		fi
		state=$("${act}_is")
		[ "$state" = "done" ] || { echo "$act, moment $n: '$state' in the end"; return 1; }
		moments=$n
		[ "$n" -lt $((200 + KEYS / 10)) ] || { echo "$act: has no end"; return 1; }
	done
	if ! serves_again || [ "$("${act}_is")" != "done" ]; then
		echo "$act: not done without a crash"
		cat "$dir/act.out"
		return 1
	fi
	sound || { echo "$act: the database is not sound"; return 1; }
	echo "$act: died $died times, last at moment $moments"
	[ "$died" -ge 1 ]
}

state_of() { # ROWS AUDITED: as many acts in the trail as rows that show them
	case $1-$2 in
	0-0) echo before ;;
	1-1) echo "done" ;;
	*) echo "rows $1, records $2" ;;
	esac
}
audited() { sql "SELECT count(*) FROM Audit WHERE EventID = $1 AND RequestID = $id AND Success = 1"; }

# ---- approve, deny ----
approve_prepare() {
	rm -f "$dir"/kra.pfx*
	id=$(ca_lab_enroll kra1 KeyRecoveryAgent "$dir/kra.pfx" | jq -er .request_id)
}
approve_act() { officer approve "$id"; }
approve_is() { state_of "$(sql "SELECT count(*) FROM Request WHERE RequestID = $id AND Disposition = 20 AND RawCertificate IS NOT NULL")" "$(audited 791)"; }
deny_prepare() { approve_prepare; }
deny_act() { officer deny "$id"; }
deny_is() { state_of "$(sql "SELECT count(*) FROM Request WHERE RequestID = $id AND Disposition = 31")" "$(audited 772)"; }

# ---- what an officer sets for a request that waits; a denied one decided anew ----
attribute_prepare() { approve_prepare; }
attribute_act() { officer request set-attribute "$id" Ticket 4711; }
attribute_is() { state_of "$(sql "SELECT count(*) FROM OfficerValue WHERE RequestID = $id")" "$(audited 778)"; }
extension_prepare() { approve_prepare; }
extension_act() { officer request set-extension "$id" 2.16.840.1.113730.1.13 --string "ticket 4711"; }
extension_is() { state_of "$(sql "SELECT count(*) FROM OfficerValue WHERE RequestID = $id")" "$(audited 777)"; }
resubmit_prepare() { approve_prepare && officer deny "$id" >/dev/null; }
resubmit_act() { officer resubmit "$id"; }
resubmit_is() { state_of "$(sql "SELECT count(*) FROM Request WHERE RequestID = $id AND Disposition = 20 AND RawCertificate IS NOT NULL")" "$(audited 773)"; }

# ---- revoke, and the CRL that tells of it ----
issued=0
revoke_prepare() {
	issued=$((issued + 1))
	id=$(ca_lab_enroll user1 User "$dir/revoked$issued.pfx" | jq -er .request_id)
}
revoke_act() { officer revoke "$id" --yes; }
revoke_is() { state_of "$(sql "SELECT count(*) FROM Request WHERE RequestID = $id AND Disposition = 21")" "$(audited 774)"; }

number=0
newest() { sql "SELECT coalesce(max(CRLNumber), 0) FROM CrlList"; }
crl_prepare() { number=$(newest); }
crl_act() { admin crl; }
# A start may have made one too: what was asked for is that there is a newer one.
crl_is() {
	[ "$(newest)" -gt "$number" ] || { echo before; return; }
	curl -sf "$CA_HTTP_URL/dirca/$CA_NAME.crl" >"$dir/served.crl"
	[ "$(openssl crl -inform DER -in "$dir/served.crl" -noout -crlnumber)" = "crlNumber=0x$(printf %02X "$(newest)")" ] &&
		openssl crl -inform DER -in "$dir/served.crl" -noout -CAfile "$CA_STATE/ca.crt" 2>&1 | grep -q 'verify OK' && echo "done"
}

# ---- settings ----
value=1000
setting_prepare() {
	value=$((value + 1))
}
setting_act() { admin setreg 'CA\MaxRequestsPerHour' "$value"; }
setting_is() {
	state_of "$(sql "SELECT count(*) FROM Setting WHERE Name = 'CA\\MaxRequestsPerHour' AND Value = '$value'")" \
		"$(sql "SELECT count(*) FROM Audit WHERE EventID = 795 AND Detail LIKE '%$value%'")"
}

# ---- the exchange certificate ----
exchange_prepare() { number=$(sql "SELECT count(*) FROM Request WHERE RequestFlags & 8 <> 0"); }
exchange_act() { admin ca exchange renew; }
exchange_is() {
	[ "$(sql "SELECT count(*) FROM Request WHERE RequestFlags & 8 <> 0")" -gt "$number" ] || { echo before; return; }
	ca_lab_enroll user2 EFSArchive "$(mktemp -u "$dir/archived-XXXXXX.pfx")" >/dev/null && echo "done"
}

# ---- an archived key ----
archive_prepare() { issued=$((issued + 1)); }
archive_act() { ca_lab_enroll user3 EFSArchive "$dir/key$issued.pfx"; }
# What became of it is known by the client, which goes on from the key that it kept.
archive_is() {
	[ -e "$dir/key$issued.pfx" ] || { echo before; return; }
	local hash
	hash=$(ca_lab_sha1 "$dir/key$issued.pfx")
	[ "$(sql "SELECT count(*) FROM Request r JOIN RequestBlob b USING (RequestID) WHERE lower(hex(CertificateHash)) = '$hash' AND RawArchivedKey IS NOT NULL")" = 1 ] &&
		echo "done"
}

# ---- recovery as a case ----
# Opened, approved and fetched, with the record of each; what is fetched and did not arrive is fetched again.
second() { ca_lab_as officer2 "$@"; }
live() { sql "SELECT CaseID FROM RecoveryCase WHERE State IN (1, 2)"; }
cases_end() {
	local id
	for id in $(live); do
		officer case close "$id" >/dev/null || return 1
	done
}
of_case() { sql "SELECT count(*) FROM Audit WHERE EventID = $1 AND Success = 1 AND Object = 'case $id'"; }
open_case() { officer case open "$archived" --reason damaged --ticket "T$issued" --json; }
opened_prepare() {
	issued=$((issued + 1))
	[ -n "${archived:-}" ] || archived=$(sql "SELECT SerialNumber FROM Request WHERE HasArchivedKey = 1 AND RequesterName LIKE '%user3' LIMIT 1")
	[ -n "$(sql "SELECT 1 FROM Setting WHERE Name LIKE '%SecondApprover'")" ] || admin setreg 'CA\Recovery\SecondApprover' All >/dev/null
	cases_end
}
opened_act() { open_case >/dev/null; }
opened_is() {
	state_of "$(sql "SELECT count(*) FROM RecoveryCase WHERE Ticket = 'T$issued'")" \
		"$(sql "SELECT count(*) FROM Audit WHERE EventID = 1770 AND Success = 1 AND Detail LIKE '% ticket=T$issued %'")"
}
agreed_prepare() { opened_prepare && id=$(open_case | jq -er .case_id); }
agreed_act() { second case approve "$id"; }
agreed_is() { state_of "$(sql "SELECT count(*) FROM RecoveryCase WHERE CaseID = $id AND State = 2 AND ApprovedBy IS NOT NULL")" "$(of_case 1771)"; }
fetched_prepare() { agreed_prepare && agreed_act >/dev/null; }
fetched_act() { officer getkey "$archived" "$dir/case$id.rec" --case "$id"; }
fetched_is() {
	local used recorded
	used=$(sql "SELECT sum(Fetches) FROM RecoveryCaseKey WHERE CaseID = $id")
	recorded=$(sql "SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = 1 AND Detail LIKE 'case=$id %'")
	[ "$used" = "$recorded" ] || { echo "fetched $used times, $recorded records"; return; }
	say test -s "$dir/case$id.rec"
}

# ---- keys of elsewhere ----
# Two by one run: each is a row with its key and both records, or is not there; asked for again, each is there once.
IMPORTED=788,797
elsewhere() { # NAME: its key, by another CA
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$1.key" -subj "/CN=$1" -out "$dir/$1.csr" &&
		openssl x509 -req -in "$dir/$1.csr" -CA "$dir/parent.crt" -CAkey "$dir/parent.key" -set_serial "0x$(openssl rand -hex 8)" -days 9 -out "$dir/$1.crt" &&
		cat "$dir/$1.key" "$dir/$1.crt" >"$dir/$1.pem"
}
imported_prepare() {
	issued=$((issued + 1))
	{ elsewhere "a$issued" && elsewhere "b$issued"; } 2>/dev/null
}
imported_act() { officer importkms -f "$dir/a$issued.pem" "$dir/b$issued.pem"; }
imported_one() { # NAME
	local rows whole records
	rows=$(sql "SELECT count(*) FROM Request WHERE CommonName = '$1'")
	whole=$(sql "SELECT count(*) FROM Request WHERE CommonName = '$1' AND Disposition = 12 AND HasArchivedKey = 1")
	records=$(sql "SELECT group_concat(EventID) FROM (SELECT EventID FROM Audit JOIN Request USING (RequestID) WHERE CommonName = '$1' AND Success = 1 ORDER BY EventID)")
	echo "$rows $whole $records"
}
imported_is() {
	case "$(imported_one "a$issued") / $(imported_one "b$issued")" in
	"1 1 $IMPORTED / 1 1 $IMPORTED") echo "done" ;;
	"0 0  / 0 0 " | "1 1 $IMPORTED / 0 0 " | "0 0  / 1 1 $IMPORTED") echo before ;; # two are on their way at once
	*) echo "$(imported_one "a$issued") / $(imported_one "b$issued")" ;;
	esac
}

# ---- archived keys that an agent seals to others ----
of_agents() { "$DIRCA_BIN/dirca" archive rewrap "$dir/batch$1" "$dir/back$1" --force --kra "$dir/kra1.pfx" --kra-password-file "$(ca_lab_pass)" \
	--ca "$CA_STATE/ca.crt" --to "$dir/kra2.crt" "${@:2}"; }
given_prepare() {
	issued=$((issued + 1))
	[ "$(counted_now)" = 1 ] || root kra count 1 --threshold 1 >/dev/null
}
given_act() { root archive export "$dir/batch$issued" "$(ca_lab_sha1 "$dir/kra1.crt")" "$(ca_lab_sha1 "$dir/kra2.crt")"; }
# A batch that is there is whole, signed and known.
given_is() {
	[ -e "$dir/batch$issued" ] || { echo before; return; }
	if of_agents "$issued" >"$dir/of_agents" 2>&1; then echo "done"; else cat "$dir/of_agents"; fi
}
back_records() { sql "SELECT count(*) FROM Audit WHERE EventID = 797 AND Detail LIKE 'rewrap=%'"; }
# More keys than are taken at once, each of which two agents open together: one gives his shares, the other seals them.
together() {
	root archive export "$dir/batch$issued" "$(ca_lab_sha1 "$dir/kra1.crt")" --with "$(ca_lab_sha1 "$dir/kra2.crt")" "$(ca_lab_sha1 "$dir/kra2.crt")" >"$dir/given" &&
		"$DIRCA_BIN/dirca" archive rewrap "$dir/batch$issued" --share "$dir/shares" --to "$dir/kra1.crt" --kra "$dir/kra2.pfx" \
			--kra-password-file "$(ca_lab_pass)" --ca "$CA_STATE/ca.crt" >/dev/null && of_agents "$issued" --combine "$dir/shares" >/dev/null
}
two_together() { root kra count 2 --threshold 2 && ca_lab_eventually ca_lab_status '.kra_threshold == 2'; }
many() {
	[ ! -e "$dir/many" ] || return 0
	two_together && "$DIRCA_BIN/make_keys" "$dir/many" "$KEYS" "$dir/parent.crt" "$dir/parent.key" &&
		officer importkms -f --password-list "$dir/many/passwords.csv" "$dir/many" >"$dir/many.out"
}
back_prepare() {
	if [ ! -e "$dir/back" ]; then
		many && given_prepare && together && cp "$dir/back$issued" "$dir/back" || return 1
		batch=$(sed -n 's/^Batch \([0-9a-f]*\): .*/\1/p' "$dir/given") keys=$(sed -n 's/^Batch .*: \([0-9]*\) keys.*/\1/p' "$dir/given")
	fi
	[ "$(sql 'SELECT count(*) FROM FormerKey')" = 0 ] || root archive revert "$batch" >/dev/null || return 1
	number=$(back_records)
}
back_act() { root archive import "$dir/back"; }
back_is() { # some of them, each with its record, are to be gone on with
	local former records
	former=$(sql 'SELECT count(*) FROM FormerKey') records=$(($(back_records) - number))
	[ "$former" = "$records" ] || { echo "$former former keys, $records records of $keys"; return; }
	[ "$former" -eq 0 ] || [ "$former" -eq "$keys" ] || echo "$former of $keys" >>"$dir/some"
	if [ "$former" -eq "$keys" ]; then echo "done"; else echo before; fi
}

# ---- drills, and former keys that go by them ----
drilled() { # AGENT [OPTION...]: a drill of his and his report of it
	rm -f "$dir/drill" "$dir/proof"
	root archive drill new "$dir/drill" "$(ca_lab_sha1 "$dir/kra$1.crt")" "${@:2}" >"$dir/drilled" &&
		"$DIRCA_BIN/dirca" archive drill run "$dir/drill" "$dir/proof" --kra "$dir/kra$1.pfx" --kra-password-file "$(ca_lab_pass)" >/dev/null
}
sealed_anew() { [ "$(sql 'SELECT count(*) FROM FormerKey')" != 0 ] || { back_prepare && back_act >/dev/null; }; } # so that kra2 opens keys alone
reported_prepare() { sealed_anew && drilled 2 --sample 2 && number=$(sed -n 's/^Drill \([0-9a-f]*\):.*/\1/p' "$dir/drilled"); }
reported_act() { root archive drill report "$dir/proof"; }
reported_is() { # the record may stand before the proofs
	case "$(sql "SELECT Proved, ReportedWhen IS NOT NULL FROM Drill WHERE DrillID = x'$number'")" in
	"0|0") echo before ;;
	"2|1") echo "done" ;;
	*) sql "SELECT * FROM Drill WHERE DrillID = x'$number'" ;;
	esac
}
settled_records() { sql "SELECT count(*) FROM Audit WHERE EventID = 797 AND Detail LIKE 'settle=%'"; }
settled_prepare() { # nothing brings back what went: the rows are put in anew
	if [ ! -e "$dir/kept.db" ]; then
		sealed_anew || return 1
		drilled 2 --batch "$batch" && root archive drill report "$dir/proof" >/dev/null &&
			sqlite3 "$CA_STATE/dirca.db" "ATTACH '$dir/kept.db' AS kept; CREATE TABLE kept.FormerKey AS SELECT * FROM FormerKey" || return 1
	fi
	sqlite3 "$CA_STATE/dirca.db" "ATTACH '$dir/kept.db' AS kept; INSERT OR IGNORE INTO FormerKey SELECT * FROM kept.FormerKey" && number=$(settled_records)
}
settled_act() { root archive settle "$batch"; }
settled_is() { # some of them, each with its record, are to be gone on with
	local former records
	former=$(sql 'SELECT count(*) FROM FormerKey') records=$(($(settled_records) - number))
	[ $((former + records)) -eq "$keys" ] || { echo "$former former keys, $records records of $keys"; return; }
	if [ "$former" -eq 0 ]; then echo "done"; else echo before; fi
}

# ---- whom keys are sealed to, by root ----
sha_of() { openssl x509 -in "$dir/kra1.crt" -outform DER | "sha${1}sum" | cut -d' ' -f1; }
stored() { cmp -s <(openssl x509 -in "$CA_STATE/kra/$(sha_of 1).crt" 2>/dev/null) <(openssl x509 -in "$dir/kra1.crt"); }
enabled() { grep -qi "$(sha_of 256)" "$CA_STATE/trust/kra-enabled"; }
say() { "$@" && echo "done" || echo before; }
# Stored and not yet enabled: asked for again it is enabled.
added_prepare() { ! stored || { root kra disable --yes "$(sha_of 1)" && root kra remove --yes "$(sha_of 1)"; } >/dev/null; }
added_act() { root kra add "$dir/kra1.crt"; }
both() { stored && enabled; }
added_is() { say both; }
removed_prepare() { both || root kra add "$dir/kra1.crt" >/dev/null; }
removed_act() { root kra remove --yes "$(sha_of 1)"; }
gone() { ! stored; }
removed_is() { say gone; }
disabled_prepare() { removed_prepare; }
disabled_act() { root kra disable --yes "$(sha_of 1)"; }
off() { stored && ! enabled; }
disabled_is() { say off; }
counted_prepare() { number=$((3 - $(counted_now))); }
counted_act() { root kra count "$number"; }
counted_now() { sed -n 's/^count = //p' "$CA_STATE/trust/kra-enabled"; }
as_many() { [ "$(counted_now)" = "$number" ]; }
counted_is() { say as_many; }

# Of one CA more or less the file is replaced, or goes.
issuer() { cmp -s <(openssl x509 -in "$CA_STATE/trust/kra-issuers.pem" 2>/dev/null) <(openssl x509 -in "$dir/parent.crt"); }
no_issuer() { [ ! -e "$CA_STATE/trust/kra-issuers.pem" ]; }
taken_prepare() { no_issuer || root kra issuers remove Parent >/dev/null; }
taken_act() { root kra issuers add "$dir/parent.crt"; }
taken_is() { say issuer; }
untaken_prepare() { issuer || root kra issuers add "$dir/parent.crt" >/dev/null; }
untaken_act() { root kra issuers remove Parent; }
untaken_is() { say no_issuer; }

# The first agent of a CA that seals to nobody yet: enabled with the number of recipients, or neither.
first_prepare() { removed_prepare && printf 'count = 0\n' >"$CA_STATE/trust/kra-enabled"; }
first_act() { root kra enable "$(sha_of 1)"; }
first_is() {
	if [ "$(counted_now)" -eq 0 ] && ! enabled; then
		echo before
	elif [ "$(counted_now)" -gt 0 ] && enabled; then
		echo "done"
	else
		cat "$CA_STATE/trust/kra-enabled"
	fi
}

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
[ "$CHECKS_BAD" -eq 0 ] && check "another CA" ca_lab_parent 9
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
ca_lab_no_quota
foreign_taken() {
	ca_lab_dircad_stop && echo 'kra_flags = KRAF_ENABLEFOREIGN' >>"$DIRCAD_CONF" && ca_lab_dircad_start && admin import certificate new --days 1
}
check "keys of elsewhere are taken" foreign_taken
for act in ${ACTS:-approve deny attribute extension resubmit revoke crl setting exchange archive given back reported settled opened agreed fetched counted added removed disabled taken untaken first imported}; do
	check "whatever dies at whatever moment: $act" each "$act"
	grep "^$act: died" "$dir/check.out" && cat "$dir/check.out" >>"$dir/moments"
done
died_in_the_middle() { [ -s "$dir/some" ] && cat "$dir/some"; }
case " ${ACTS:-back} " in *" back "*) check "who took keys back died in the middle, too" died_in_the_middle ;; esac
never_twice() { [ "$(sql "SELECT count(*) - count(DISTINCT SerialNumber) FROM Request WHERE SerialNumber IS NOT NULL")" = 0 ]; }
check "no certificate was stored twice" never_twice
# A client that asks again asks with the same key: it has one row, and no agent two copies of it.
one_copy() {
	[ "$(sql "SELECT count(*) > 0 AND count(*) = count(DISTINCT PublicKeyHash) AND max(substr(KeyRecoveryHashes, 1, 59) = substr(KeyRecoveryHashes, 61, 59)) = 0
		FROM Request WHERE KeyRecoveryHashes IS NOT NULL")" = 1 ]
}
check "no key was sealed twice to one agent" one_copy
trail_holds() { ca_lab_as auditor audit export --out "$dir/trail" && "$DIRCA_BIN/dirca" audit verify "$dir/trail" | grep -q 'the chain holds'; }
check "the audit trail holds" trail_holds
compared() { "$DIRCA_BIN/dirca" audit compare -c "$DIRCAD_CONF" --json | jq -e '.stored_only == []'; }
check "nothing is stored that the vault did not write down" compared

checks_end
