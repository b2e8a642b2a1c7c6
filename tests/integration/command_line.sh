#!/usr/bin/env bash
# How dirca is typed: many requests decided by one command, lists page by page, settings of several places, and what is said when something
# is wrong. usage: [SENTENCES=print] command_line.sh
# shellcheck disable=SC2317,SC2016 # the functions are called through check; eval expands
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
# shellcheck source-path=SCRIPTDIR source=../bench/bench.sh
. "$here/../bench/bench.sh"

dir=$(mktemp -d /tmp/dirca-command-line.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

admin() { ca_lab_as caadmin "$@"; }
officer() { ca_lab_as officer1 "$@"; }
sql() { sqlite3 "$CA_STATE/dirca.db" "$1"; }

export CA_LAB_OPTIONS='auth_basic = yes'
ca_lab_start "$dir" scram || { echo "the lab did not start"; exit 1; }
prepared() {
	ca_lab_no_quota && admin template duplicate User UserWaits approval=yes publish=no && admin template grant UserWaits 'Domain Users' enroll &&
		admin template enable UserWaits && ca_lab_eventually bench_pend UserWaits 1 && bench_pend UserWaits 30
}
check "31 requests wait" prepared

# ---- one request ----
first=$(sql "SELECT min(RequestID) FROM Request WHERE Disposition = 9")
shown() { officer request show "$first" --json | jq -e "$1"; }
# shellcheck disable=SC2016 # jq's
check "whose it is, with the groups" shown '.requester_groups | index("NWTRADERS\\Domain Users") and index("Everyone")'
check "why it waits" shown '.waits_because | test("^template UserWaits puts every request into the queue")'
check "what was signed" shown '.request | tostring | test("RSA 2048 bits")'
raw() { officer request show "$first" --json | jq -r .raw_request | base64 -d | cmp - "$dir/exported"; }
check "and itself" eval 'officer request export "$first" "$dir/exported" && raw'
check "for people too" says "RSA 2048 bits" officer request show "$first"
check "its requester sees it, and others do not" eval 'ca_lab_as user1 request show "$first" && refuses CERTSRV_E_NO_REQUEST ca_lab_as user2 request show "$first"'

# ---- many ----
# state ID: its disposition
state() { sql "SELECT Disposition FROM Request WHERE RequestID = $1"; }
at() { echo $((first + $1)); }
issued() { sql "SELECT count(*) FROM Request WHERE CertificateTemplate = 'UserWaits' AND Disposition = 20"; }
check "none named is none meant" refuses DIRCA_E_USAGE officer approve
check "two ways to name them are one too many" refuses DIRCA_E_USAGE officer approve "$first" --stdin
check "no range" refuses "12-x is no range of request ids" officer approve 12-x
check "nor an id" refuses "x is not a request id" eval 'echo x | officer approve --stdin'
check "one is said as before" is "Request $first: issued" officer approve "$first"
check "twice it is refused, with its own code" refuses CERTSRV_E_BAD_REQUESTSTATUS officer approve "$first"
mixed() { officer approve "$first" "$(at 1)" 999999 "$(at 2)-$(at 5)" >"$dir/out" 2>"$dir/err"; }
check "several: some are refused" fails_with 1 mixed
check "the others are not" is "5 of 7 issued, 2 refused." cat "$dir/out"
check "which were, and why" eval 'grep -q "^Request $first: not pending but issued (CERTSRV_E_BAD_REQUESTSTATUS)$" "$dir/err" && grep -q "^Request 999999: .*CERTSRV_E_NO_REQUEST" "$dir/err"'
check "as many as that are issued, each recorded" test "$(issued) $(sql "SELECT count(*) FROM Audit WHERE EventID = 791 AND Actor LIKE '%officer1' AND Object IN (SELECT SerialNumber FROM Request)")" = "6 6"
denied() { printf '%s some words\n\n%s-%s\n' "$(at 6)" "$(at 7)" "$(at 8)" | officer deny --stdin --reason "not now" --json; }
check "ids and ranges on standard input, as JSON" test "$(denied | jq -c 'map(.disposition)')" = '["denied","denied","denied"]'
check "a range means what waits" is "1 of 1 issued, 0 refused." officer approve "$first-$(at 9)"
check "and is told if nothing does" refuses CRYPT_E_NOT_FOUND officer approve "$first-$(at 9)"
check "denied ones are decided anew" is "2 of 2 issued, 0 refused." officer resubmit "$(at 6)" "$(at 7)"
check "who may not is told once" eval 'refuses E_ACCESSDENIED admin approve "$(at 10)-$(at 12)" 2>&1 && [ "$(state "$(at 10)")" = 9 ]'
unattended() { HOME=$dir/home/officer1 setsid -w "$DIRCA_BIN/dirca" "$@"; }
check "--where asks first" refuses "Approve 21 requests? no terminal to ask at" unattended approve --where template=userwaits
# Told to end, it has the request under way answered, and says what was done.
interrupted() { "$here/../support/interrupted.py" "$CA_STATE/dirca.db" "$dir/home/officer1" "$DIRCA_BIN/dirca" approve "$(at 10)-$(at 20)" >"$dir/out"; }
check "Ctrl-C ends it in good order" interrupted
check "and what was not looked at is said" grep -q "^[01] of 11 issued, 0 refused, 1[01] not looked at, from " "$dir/out"
check "and the same command again does the rest" eval 'officer approve "$(at 10)-$(at 20)" && [ "$(sql "SELECT count(*) FROM Request WHERE Disposition = 9 AND RequestID <= $(at 20)")" = 0 ]'
# Some hundred, by one command at a terminal: at the one in the middle the CA fails.
before=$(sql "SELECT max(RequestID) FROM Request") hundred=200
check "$hundred more wait, of another" bench_pend UserWaits "$hundred" user2
behind() { echo $((before + $1)); }
sql "CREATE TRIGGER Failing BEFORE UPDATE OF Disposition ON Request WHEN NEW.RequestID = $(behind 101) BEGIN SELECT RAISE(ABORT, 'no'); END"
on_terminal() { HOME=$dir/home/officer1 "$here/../support/by_hand.py" "$1" -- "$DIRCA_BIN/dirca" approve "${@:2}" >"$dir/out"; }
check "a terminal sees how far it is, and what an end in the middle leaves" on_terminal "sees Approve $hundred requests? [y/N]
	says y
	sees 1 of $hundred, 0 refused
	sees 100 of $hundred, 0 refused
	sees 100 of $hundred issued, 0 refused, 100 not looked at, from $(behind 101) on.
	ends 1" --where template=UserWaits --where 'requester_name=NWTRADERS\user2'
check "as many as that are issued" test "$(sql "SELECT count(*) FROM Request WHERE RequestID > $before AND Disposition = 20")" = 100
sql "DROP TRIGGER Failing"
check "one of the others is denied" officer deny "$(behind 150)"
check "and named with them refused, which the end and the status say" on_terminal "sees 50 of 100, 1 refused
	sees 100 of 100, 1 refused
	sees 99 of 100 issued, 1 refused.
	ends 1" "$(behind 150)" "$(behind 101)-$(behind "$hundred")"
once() { sql "SELECT count(*), count(DISTINCT SerialNumber), (SELECT count(*) FROM Audit WHERE EventID = 791 AND Success AND RequestID > $before) FROM Request WHERE RequestID > $before AND Disposition = 20"; }
check "all others are issued, each once" is "199|199|199" once
check "the certificate, by its id" eval 'officer retrieve "$first" | openssl x509 -noout && officer retrieve "$first" --der | openssl x509 -inform der -noout'

# ---- what reads the output ----
# closed FILE COMMAND...: nobody reads standard output; what comes to standard error goes to FILE. Prints how it ended.
closed() {
	python3 -c 'import os, subprocess, sys; r, w = os.pipe(); os.close(r); print(subprocess.run(sys.argv[2:], stdout=w, stderr=open(sys.argv[1], "w")).returncode)' "$@"
}
ca_lab_person auditor
check "each verb that prints a list behaves as one" env HOME="$dir/home/auditor" "$here/../support/list_verbs.py" "$DIRCA_BIN/dirca" "$DIRCAD_CONF"
check "where much is decided, that is done first" is "-13 $(issued)" eval 'echo "$(closed "$dir/err" env HOME="$dir/home/officer1" "$DIRCA_BIN/dirca" approve "$(at 25)-$(at 28)") $(($(issued) - 4))"'
check "what is said is JSON, too" is 'setreg 0 ["MaxRequestsPerHour = 0"]' eval 'admin setreg MaxRequestsPerHour 0 --json | jq -r ".verb + \" \(.status) \(.said)\""'
failing() { admin setreg NoSuch 0 --json 2>"$dir/err"; }
check "and nothing, where it failed" is "" eval '! failing'
check "but for why, on standard error" grep -q "there is no setting 'NoSuch'" "$dir/err"

# ---- tables ----
enrollers() { HOME=$dir/home/officer1 "$DIRCA_BIN/dirca" templates --columns name,enroll; }
on_narrow() { HOME=$dir/home/officer1 script -qec "stty cols 40; '$DIRCA_BIN/dirca' templates --columns name,enroll" /dev/null; }
fits() { on_narrow >"$dir/out" && grep -q '…' "$dir/out" && ! LC_ALL=C.UTF-8 grep -Eq '.{41}[^[:cntrl:]]' "$dir/out"; }
check "a terminal's lines are not longer than it is wide" fits
uncut() { enrollers >"$dir/uncut" && ! grep '…' "$dir/uncut" && [ "$(wc -l <"$dir/uncut")" = "$(grep -c . "$dir/out")" ]; }
check "elsewhere nothing is cut" uncut
check "times are local" eval '[ "$(TZ=XXX-1 officer requests --limit 1 --columns not_after 2>&1 | grep -c "+01:00$")" = 1 ]'
check "or in UTC" eval '[ "$(TZ=XXX-1 officer requests --limit 1 --columns not_after --utc 2>&1 | grep -c "[0-9]Z$")" = 1 ]'
last() { officer requests --descending --limit 1 "$@" 2>/dev/null; }
shown_time() { TZ=XXX7:30 last --columns submitted_when | sed -n 2p; }
found_by() { officer requests --where "submitted_when=$1" --json | jq '.[-1].request_id'; }
check "a time that is shown is found" eval 'shown_time | grep -e "-07:30$" && [ "$(found_by "$(shown_time)")" = "$(last --json | jq ".[0].request_id")" ]'
batches() { ca_lab_as caadmin archive list --json "$@" 2>"$dir/err" | jq -r '.[].batch'; }
by_pages() { # of two, each begun where the one before says that it goes on
	local behind=()
	while batches --limit 2 "${behind[@]}"; do
		behind=("$(grep -oe '--after [0-9a-f]*' "$dir/err")")
		[ -n "${behind[0]}" ] || break
		behind=(--after "${behind[0]#--after }")
	done
}
given_out() { sql "INSERT INTO RewrapBatch(Batch, CertificateHash, GivenWhen, Keys) SELECT CAST(printf('%016d', value) AS BLOB), zeroblob(20), 1700000000 + value / 2, 1 FROM generate_series(1, 5)"; }
check "so do batches, behind a name" eval 'given_out && [ "$(by_pages | wc -l)" = 5 ] && [ "$(by_pages)" = "$(batches)" ]'
check "and none behind one that there is not" refuses "no batch 00ff was given out" ca_lab_as caadmin archive list --after 00ff
check "pages go on behind the last that was printed" is "3 4" eval 'ca_lab_as auditor audit log --where success=yes --after 2 --limit 2 --json 2>/dev/null | jq -r "map(.row_id) | join(\" \")"'

# ---- settings ----
from() { DIRCA_CA=$CA_NAME ca_lab_as officer1 config show "$@" --json | jq -r ".settings | [.ca, .mech, .user] | map(.value + \" \" + .from) | .[]"; }
check "where each setting is from" is "$CA_NAME DIRCA_CA
SCRAM-SHA-256 $dir/home/officer1/.config/dirca.conf
hans --user" from -U hans
check "the environment counts" refuses "names no certification authority Nobody" env DIRCA_CA=Nobody HOME="$dir/home/officer1" "$DIRCA_BIN/dirca" requests
cp "$(lab_password_file officer1)" "$dir/shared"
chmod 644 "$dir/shared"
check "a password that others can read is warned of" says "warning: $dir/shared holds a secret, and others can read it (mode 0644)" officer requests --limit 1 -y "$dir/shared"
chmod 600 "$dir/shared"
quiet() { officer requests --limit 1 -y "$dir/shared" 2>&1 | grep -c warning; }
check "and no other" is 0 eval 'quiet || true'

# ---- what it shows can be typed ----
# same VALUES COMMAND...: with each line of VALUES in the place of {} it says the same, and all of it succeeds.
same() {
	local values=$1 value said first
	shift
	while IFS= read -r value; do
		said=$("${@//\{\}/"$value"}" </dev/null 2>"$dir/err") || { echo "not by '$value'"; cat "$dir/err"; return 1; }
		: "${first=$said}"
		[ "$said" = "$first" ] || { echo "by '$value' something else:"; diff <(echo "$first") <(echo "$said"); return 1; }
	done <<<"$values"
	[ -n "$first" ]
}
root() { "$DIRCA_BIN/dirca" "$@" -c "$DIRCAD_CONF"; }
# What no CA is asked for.
at_directory() { "$DIRCA_BIN/dirca" "$@" -H "$LDAPI_URI" -Y EXTERNAL; }
pairs() { sed 's/../& /g; s/ $//' <<<"$1"; }
colons() { sed 's/../&:/g; s/:$//' <<<"${1^^}"; }
# listed MEMBERS COMMAND...: them, a line each, of the JSON that it prints
listed() { "${@:2}" --json 2>/dev/null | jq -er "$1"; }
archived() { ca_lab_kras 1 && admin officer restrict && ca_lab_enroll user1 EFSArchive "$dir/typed.pfx"; }
check "a key is archived" archived
templates=$(listed '.[] | select(.name == "EFSArchive") | .name, .oid, .display_name' at_directory templates && at_directory template show EFSArchive | sed -n 's/^DN: //p' && echo efsarchive)
cas=$(listed '.[] | .name, .display_name, .host + "\\" + .name, .url, .certificate_hash' at_directory cas && pairs "$(listed '.[].certificate_hash' at_directory cas)" && listed .dn at_directory ca rights)
key=$(officer getkey user1 --json 2>/dev/null | jq -c '.candidates[0]')
id=$(jq .request_id <<<"$key") serial=$(jq -r .serial_number <<<"$key") hash=$(jq -r .certificate_hash <<<"$key")
sid=$(listed .requester_sid officer request show "$id")
numbers=$(printf '%s\n' "$serial" "$(pairs "$serial")" "$(colons "$serial")" "00$serial" "$hash" "$(pairs "$hash")" "$(colons "$hash")")
people=$(jq -r '.requester_name, .upn' <<<"$key" && echo "$sid" && echo "CN=user1,CN=Users,$LDAP_BASE")
owner=$(echo "$people" && jq -r '.common_name, .subject, "UPN:" + .upn' <<<"$key")
kra=$(at_directory kra list --json | jq -c '.[] | select(.subject | test("kra1"))')
agents=$(jq -r '.certificate_hash, .sha256, .serial_number, .subject' <<<"$kra" && pairs "$(jq -r .certificate_hash <<<"$kra")" && pairs "$(jq -r .serial_number <<<"$kra")" && printf '%s\n' kra1 kra1@nwtraders.com "CN=kra1,CN=Users,$LDAP_BASE")
groups=$(listed '.officers[0] | .name, .sid' at_directory officer list)
typed() { check "$1" same "${@:2}"; }
typed "templates: show" "$templates" at_directory template show {}
typed "list" "$templates" at_directory templates {} --json
typed "rules of certificate managers" "$templates" at_directory officer allow officer1 --for user1 --template {} -n
typed "explain" "$templates" eval 'officer explain enroll user1 "{}" | grep -v "valid until"'
typed "lists of requests" "$templates" officer requests --where template={}
typed "getkey" "$templates" officer getkey user1 --template {}
typed "publishing" "$templates" at_directory ca publish -c "$DIRCAD_CONF" --admin caadmin --template {}
republish() { at_directory ca publish -c "$DIRCAD_CONF" "$@" >"$dir/out" && grep -q "rights that the CA has in the directory stay as they were" "$dir/out"; }
rights_stay() {
	local rights
	rights=$(at_directory ca rights) && republish --admin user1 && republish --auditor user1 && [ "$(at_directory ca rights)" = "$rights" ]
}
check "rights that are there stay, which is said to who names others" rights_stay
check "and to nobody else" eval '! republish && grep -q "is published" "$dir/out"'
check "one that there is not is told" refuses "the directory has no template Nosuch" at_directory ca publish -c "$DIRCAD_CONF" --template Nosuch
typed "enrolling" "$(sed -n 3p <<<"$templates")" eval 'ca_lab_as user1 enroll "{}" --key rsa2048 --out "$dir/typed$RANDOM.pfx" --out-password-file "$(ca_lab_pass)" --json | jq .template'
typed "CAs" "$cas" officer requests --limit 1 --ca {}
typed "keys: by numbers" "$numbers" eval 'rm -f "$dir/typed.rec"; officer getkey "{}" "$dir/typed.rec" --json | jq -S "del(.case_id)"'
typed "and by whose they are" "$owner" eval 'officer getkey "{}" --json 2>/dev/null | jq -S "[.candidates[].request_id]"'
typed "explained" "$owner
$sid" eval 'officer explain recover officer1 "{}" | tail -n +2'
typed "revoking" "$numbers
$id" eval 'officer revoke "{}" --reason certificateHold && officer unrevoke "{}"'
typed "conditions" "$(printf 'serial_number=%s\n' "$serial" "$(pairs "$serial")" "$(colons "$serial")")
$(printf 'certificate_hash=%s\n' "$hash" "$(pairs "$hash")" "$(colons "$hash")")
request_id=$id" officer requests --where {}
typed "who may: rights" "$people" at_directory ca rights grant {} read -n
typed "on templates" "$people" at_directory template grant User {} enroll -n
typed "as certificate manager, and for whom" "$people" at_directory officer allow {} --for {} -n
typed "groups too" "$groups" at_directory officer allow {} --for {} -n
typed "KRAs: coverage" "$agents" eval 'root archive coverage --without "{}"; [ $? = 4 ]'
typed "unpublish" "$agents" eval 'at_directory kra unpublish "{}" >/dev/null && at_directory kra publish "$dir/kra1.crt" | tail -1'
typed "cases: open" "$serial
$hash
$id" eval 'officer case open "{}" --reason lost --ticket T --json | jq -r .owner'
typed "list, by owner" "$people
user1" officer case list --owner {}
typed "by officer" "$(grep -v ^S-1 <<<"${people//user1/officer1}")" officer case list --officer {}
typed "by key" "$numbers" officer case list --serial {}
case_id=$(listed '.[0].case_id' officer case list)
typed "show and close" "$case_id" eval 'officer case show "{}" && officer case close "{}"'
typed "the trail" "$serial
$(pairs "$serial")
$(colons "$serial")" eval 'ca_lab_as auditor audit log --keys-of "{}" --limit 2'
check "no key is archived any more" root kra disable kra1 --yes

# ---- what is said when something is wrong ----
# sentences: what was tried, on what, why it failed and what mends it, for each line `$ COMMAND` of that file, which has the answer and the
# exit status below it. SENTENCES=print prints the file as it would be.
umask 077
printf 'wrong\n' >"$dir/wrong"
printf 'words\n' >"$dir/text"
printf '\n' >"$dir/empty"
printf 'uri = ldaps://localhost\nnosuch = x\n' >"$dir/bad.conf"
ca_lab_person user2
user() { ca_lab_as user1 "$@"; }
user2() { ca_lab_as user2 "$@"; }
nobody() { HOME=$dir "$DIRCA_BIN/dirca" "$@"; }
alone() { HOME=$dir/home/officer1 setsid -w "$DIRCA_BIN/dirca" "${@:2}"; }
with() { HOME=$dir/home/officer1 env "$1" "$DIRCA_BIN/dirca" "${@:2}"; }
stopped() { ca_lab_dircad_stop && "$@"; }
waits=$(sql "SELECT min(RequestID) FROM Request WHERE Disposition = 9")
serial=$(sql "SELECT SerialNumber FROM Request WHERE RequestID = $first")
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$dir/another.key" 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -set_serial 99 -subj /CN=other -keyout "$dir/other.key" -out "$dir/other.crt" 2>/dev/null
cat "$dir/another.key" "$dir/other.crt" >"$dir/both.pem"
answered() {
	local line said status
	while IFS= read -r line; do
		case $line in
		'# '*) printf '%s\n' "$line" ;;
		'$ '*)
			printf '%s\n' "$line"
			line=${line#??}
			line=${line//WAITS/$waits}
			status=0
			said=$(eval "${line//ISSUED/$first}" 2>&1) || status=$?
			sed -e "s|$dir|DIR|g; s|${LDAPS_URI##*:}|LDAPSPORT|g; s|${CA_URL##*:}|CAPORT|g; s|request $waits|request WAITS|g; s|request $first|request ISSUED|g; s|approve $waits|approve WAITS|g; s|$serial|SERIAL|g" <<<"$said"
			printf '[%s]\n\n' "$status"
			;;
		esac
	done <<<"${1//DIR\//$dir/}" | sed "s|$dir|DIR|g"
}
as_before() {
	answered "$(<"$here/sentences")" >"$dir/sentences"
	[ "${SENTENCES:-}" != print ] || cp "$dir/sentences" "$here/sentences"
	diff "$here/sentences" "$dir/sentences"
}
check "forty wrong situations have at least so many sentences" test "$(grep -c '^\$ ' "$here/sentences")" -ge 40
check "each is said as it is written down" as_before

checks_end
