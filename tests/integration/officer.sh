#!/usr/bin/env bash
# Officer restrictions and CA rights as an administrator edits them: in force within 2 s, the same sentence from getkey and
# from explain, recorded, and never undone by what the directory hides. usage: officer.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
mech=${1:-scram}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-officer.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

admin() { ca_lab_as caadmin "$@"; }
getkey() {
	rm -f "$dir/$1.rec"
	ca_lab_as "$1" getkey "$2" "$dir/$1.rec"
}
service() { echo "CN=$CA_NAME,CN=Enrollment Services,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"; }
audited() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = $1"; }

within() { soon 2000 "$@"; }
# list FILTER: jq's verdict about `officer list`.
list() {
	local answer
	answer=$(admin officer list --json) && echo "$answer" && jq -e "$1" <<<"$answer"
}


# RIDs of the demo people, and schemaIDGUIDs of ldif/schema/ad-dirca-authority.ldif and [MS-ADA3] 2.218.
declare -A rids=([dircad]=1117 [caadmin]=1110) guids=([dircaOfficerRights]=c64a3be4-6afb-566d-be82-a3fde74d853c
	[dircaCASecurity]=68e38a8c-d133-5ade-a275-c300cad201f5 [tokenGroups]=b7c69e6d-2cc7-11d2-854e-00a0c983f608)
hidden=

# hide WHO ATTR [DN]: the attribute (of the enrollment service) can no longer be read by WHO, who may write it all the same.
# An access list of slapd changes no entry, so that nothing tells the CA to read again but half a minute, or SIGHUP.
hide() {
	hidden=${3:-$(service)}
	if [ "$DIRECTORY" = samba ]; then
		lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$hidden" -s base nTSecurityDescriptor | sed -n '/^nTSecurityDescriptor/p' >"$dir/sd"
		[ -s "$dir/sd" ] && samba-tool dsacl set -H "$LDAPI_URI" -s "$dir/ad/smb.conf" --objectdn="$hidden" \
			--sddl="(OD;;RP;${guids[$2]};;$SAMBA_LAB_SID-${rids[$1]})"
	else
		lab_modify <<-END
			dn: olcDatabase={1}mdb,cn=config
			changetype: modify
			add: olcAccess
			olcAccess: {0}to dn.base="$hidden" attrs=$2 by dn.exact="cn=$1,cn=users,dc=nwtraders,dc=com" =w by * break
		END
	fi && ca_lab_reload
}

unhide() {
	if [ "$DIRECTORY" = samba ]; then
		printf 'dn: %s\nchangetype: modify\nreplace: nTSecurityDescriptor\n%s\n' "$hidden" "$(<"$dir/sd")" | lab_modify
	else
		printf 'dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\ndelete: olcAccess\nolcAccess: {0}\n' | lab_modify
	fi && ca_lab_reload
}

if [ "$DIRECTORY" = samba ] && why=$(samba_lab_missing); then
	echo "SKIP $why"
	exit 77
fi
check "a CA with KRAs" ca_lab_start "$dir" "$mech"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
check "user1 of Sales archives a key" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "user3 of Engineering archives a key" ca_lab_enroll user3 EFSArchive "$dir/user3.pfx"

# ---- a denial, and what only a certificate manager makes of it ----
waiting=$(ca_lab_enroll kra2 KeyRecoveryAgent "$dir/again.pfx" --key p256 | jq .request_id)
decide() { ca_lab_as "$1" "$2" "$waiting" "${@:3}"; }
check "kra2's request is denied" says "denied" decide officer2 deny --reason "not now"
check "its requester cannot have it decided anew" refuses E_ACCESSDENIED decide kra2 resubmit
check "a certificate manager can" says "issued" decide officer2 resubmit
check "once" refuses CERTSRV_E_BAD_REQUESTSTATUS decide officer2 resubmit
check "which is recorded" test "$(audited 773)" = 3
# What a certificate manager sets for a request that waits, of which no certificate says more than its template.
waiting=$(ca_lab_enroll kra2 KeyRecoveryAgent "$dir/third.pfx" --key p256 | jq .request_id)
request() { ca_lab_as officer2 request "$1" "$waiting" "${@:2}"; }
check "it ends earlier" says "pending, with ExpirationDate" request set-attribute ExpirationDate 2099-01-31T00:00:00Z
check "with a comment" request set-extension 2.16.840.1.113730.1.13 --string "ticket 4711"
check "which is text" refuses ERROR_INVALID_DATA request set-extension 2.16.840.1.113730.1.13 --long 5
check "a word for people" says "pending, with Ticket" request set-attribute Ticket 4711
check "is taken away" says "pending, without Ticket" request set-attribute Ticket
check "a number is no key usage" refuses ERROR_INVALID_DATA request set-extension 2.5.29.15 --critical --long 5
check "it is for nobody else" refuses E_ACCESSDENIED request set-extension 2.5.29.17 --string user1
check "nor by another template" refuses E_ACCESSDENIED request set-attribute CertificateTemplate User
check "one value it is" refuses DIRCA_E_USAGE request set-extension 2.16.840.1.113730.1.13 --string a --long 1
check "who set what is shown" says '2.16.840.1.113730.1.13 = 160b7469636b65742034373131 (NWTRADERS\officer2' request show
check "an export says what is not in it" says "request show $waiting" request export "$dir/with-values"
check "also to its requester" says "ExpirationDate = 2099-01-31T00:00:00Z" ca_lab_as kra2 request show "$waiting"
check "and to nobody else" refuses CERTSRV_E_NO_REQUEST ca_lab_as user1 request show "$waiting"
check "where there is a directory no setting says what waits" refuses "for a stand-alone CA" admin setreg 'Policy\RequestDisposition' 0
explains() { ca_lab_as "$1" explain request "$waiting" "${@:2}"; }
check "what would come of it is told, with what was set" says 'attribute ExpirationDate = 2099-01-31T00:00:00Z was set by NWTRADERS\officer2' explains officer1
check "to programs" jq -e '.allowed and .outcome == "issued" and .disposition == "pending" and (.steps | any(.check == "certificate"))' \
	<(explains officer1 --json)
check "to certificate managers" refuses E_ACCESSDENIED explains kra2
check "issued" says "issued" decide officer1 approve
check "then nothing is left to decide" says 'not pending but issued' explains officer1
commented() { sqlite3 "$CA_STATE/dirca.db" "SELECT hex(RawCertificate) FROM Request WHERE RequestID = $waiting" | xxd -r -p | openssl x509 -inform DER -noout -text | grep -A 1 "Netscape Comment"; }
check "with the comment" says "ticket 4711" commented
check "recorded" test "$(audited 777) $(audited 778)" = "4 4"

# ---- restrictions ----
check "a new CA restricts nobody, and says so" list '.restricted == false and .problem == null and .officers[0].name == "NWTRADERS\\Certificate Managers"'
check "getkey works" getkey officer1 user1@nwtraders.com
check "a rule alone is refused" refuses E_INVALIDARG admin officer allow officer1 --for Sales
check "a dry run changes nothing" says "dry run" admin officer restrict --dry-run
check "so nothing is restricted" list '.restricted == false'
check "restrictions begin with every officer allowed everything" says "NWTRADERS\Certificate Managers for Everyone, all templates" admin officer restrict
check "so that nobody is locked out" getkey officer1 user1@nwtraders.com
check "Certificate Managers may act for nobody by themselves" says "no rule is left" admin officer remove 1
check "which is in force within 2 s" within refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer1 "$(sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequesterName LIKE '%user1'")"
check "officer1 for Sales and one template" says "template EFSArchive" admin officer allow officer1 --for Sales --template EFSArchive
check "in force within 2 s" within getkey officer1 user1@nwtraders.com
engineer=$(sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequesterName LIKE '%user3'")
seller=$(sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequesterName LIKE '%user1'")
check "but not for Engineering" refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer1 "$engineer"
check "the sentence names officer, requester and template" refuses \
	'no rule of dircaOfficerRights allows NWTRADERS\officer1 to act for NWTRADERS\user3 and template EFSArchive' getkey officer1 "$engineer"
explained() {
	local answer
	answer=$(ca_lab_as "$1" explain recover "$2" "$3" --json) && echo "$answer" && jq -e "$4" <<<"$answer"
}
check "explained the same way" explained caadmin officer1 user3@nwtraders.com \
	'.keys[0].refusal.name == "CERTSRV_E_RESTRICTEDOFFICER" and (.keys[0].refusal.message | contains("no rule of dircaOfficerRights allows NWTRADERS\\officer1 to act for NWTRADERS\\user3 and template EFSArchive"))'
check "and for Sales, with the rule and the way to it" explained auditor officer1 'NWTRADERS\user1' \
	'.keys[0].allowed and (.keys[0].steps[2] | .check == "officer-rights" and (.ace | startswith("rule 1 of dircaOfficerRights: allow NWTRADERS\\officer1 for NWTRADERS\\Sales")) and .group_path == "user1 -> Sales")'
check "a user may not ask about officers" refuses E_ACCESSDENIED ca_lab_as user2 explain recover officer1 user1
check "and not officer2" refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer2 "$seller"
check "a template that the directory lacks" refuses CRYPT_E_NOT_FOUND admin officer allow officer1 --for Sales --template NoSuch
check "unless it is forced" says "template NoSuch" admin officer allow officer1 --for Sales --template NoSuch --force
check "a group that the directory lacks" refuses CRYPT_E_NOT_FOUND admin officer allow officer1 --for NoSuchGroup
check "an officer without the right is warned about" says "does not hold Issue and Manage Certificates" admin officer allow user2 --for Sales
check "a shadowed rule too" says "decides nothing beside rule" admin officer deny officer1 --for Sales
check "the denial beats the grant" within refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer1 "$seller"
check "the sentence names the rule" refuses "rule 1 of dircaOfficerRights denies NWTRADERS" getkey officer1 "$seller"
check "the list shows it" list '.rules[0].effect == "deny" and .rules[1].shadowed_by == 1 and (.rules | length) == 4'
check "an officer's rules go by name" says "Rules" admin officer remove user2
check "and a rule by number" admin officer remove 1
check "a number too high" refuses CRYPT_E_NOT_FOUND admin officer remove 9
check "officer1 may again" within getkey officer1 "$seller"

# ---- revocation: the same rules ----
revoke() { ca_lab_as "$1" revoke "${@:2}"; }
id_of() { sqlite3 "$CA_STATE/dirca.db" "SELECT RequestID FROM Request WHERE SerialNumber = '$1'"; }
# on_list SERIAL [REASON]: the CRL that is served names it (with the reason).
on_list() {
	local text
	admin crl >/dev/null && curl -sf -o "$dir/crl" "$CA_HTTP_URL/dirca/$CA_NAME.crl" &&
		text=$(openssl crl -inform DER -in "$dir/crl" -noout -text | grep -i -A 4 "Serial Number: 0*$1\$") && echo "$text" && grep -q "${2:-}" <<<"$text"
}
off_list() { ! on_list "$1"; }
check "officer1 does not revoke for Engineering" refuses CERTSRV_E_RESTRICTEDOFFICER revoke officer1 "$engineer"
check "nor does who is none" refuses E_ACCESSDENIED revoke user1 "$seller"
check "a reason that there is not" refuses "superseded" revoke officer1 "$seller" --reason tired
check "reason 7 there is not" refuses E_INVALIDARG revoke officer1 "$seller" --reason 7
check "an unknown serial number" refuses CERTSRV_E_NO_REQUEST revoke officer1 0123456789abcdef
check "what is not on hold is not taken from it" refuses CERTSRV_E_BAD_REQUESTSTATUS ca_lab_as officer1 unrevoke "$seller"
check "on hold, by request" says "revoked" revoke officer1 "$(id_of "$seller")" --reason certificateHold
check "the CRL says so" on_list "$seller" "Certificate Hold"
check "taken back, by serial number" says "no longer on hold" ca_lab_as officer1 unrevoke "$seller"
check "and it is on the CRL no more" off_list "$seller"
check "revoked" revoke officer1 "$seller" --reason keyCompromise
check "the CRL says why" on_list "$seller" "Key Compromise"
check "which is final" refuses CERTSRV_E_BAD_REQUESTSTATUS ca_lab_as officer1 unrevoke "$seller"
check "and done once" refuses CERTSRV_E_BAD_REQUESTSTATUS revoke officer1 "$seller" --reason superseded
check "its key is recovered all the same" getkey officer1 "$seller"
check "user1 has another one" ca_lab_enroll user1 EFSArchive "$dir/user1b.pfx"
second=$(sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequesterName LIKE '%user1' AND Disposition = 20")
# rows OPTIONS...: what certificate managers are given, in a line.
rows() { ca_lab_as officer1 requests --csv "$@" | tr '\n' ' '; }
check "a list by requester and template" test "$(rows --columns disposition,template --where 'requester_name=nwtraders\USER1' --where template=efsarchive)" = \
	'disposition,template revoked,EFSArchive issued,EFSArchive '
check "by a serial number with colons" test "$(rows --columns request_id --where "serial_number=$(sed 's/../&:/g; s/:$//' <<<"${second^^}")")" = "request_id $(id_of "$second") "
check "and a disposition that it has not" test "$(rows --columns request_id --where "serial_number=$second" --where disposition=revoked)" = 'request_id '
check "a limit counts what is shown, and goes on behind it" test "$(rows --columns request_id --where template=EFSArchive --limit 1 --after "$(id_of "$seller")" 2>/dev/null)" = \
	"request_id $(id_of "$engineer") "
check "a column that there is not" refuses "archived_key" ca_lab_as officer1 requests --columns nothing
# paper, "Performing Binary Export for a Request"
exported() {
	rm -f "$dir/exported" && ca_lab_as "$1" request export "$(id_of "$second")" "$dir/exported" >"$dir/exporting" && ! grep 'Not in it' "$dir/exporting" && "$DIRCA_BIN/dirca" dump "$dir/exported" >"$dir/dumped" &&
		grep -e 'Encrypted key: not in it' -e 'Encrypted key hash: [0-9a-f]' -e '^Signatures: good$' "$dir/dumped" | grep -c . | grep -x 3 && ! grep BAD "$dir/dumped"
}
check "a request is exported without its key, and dump says so" exported officer1
check "its requester has it too" exported user1
changed() {
	damage "$dir/exported" -9 && "$DIRCA_BIN/dirca" dump "$dir/exported"
}
check "a changed one is BAD" says "BAD" changed
check "for others it does not exist" refuses CERTSRV_E_NO_REQUEST exported user3
check "sorted by a column, of which the first is asked for" test "$(rows --columns disposition --where 'requester_name=nwtraders\USER1' --sort disposition --limit 1 2>/dev/null)" = \
	'disposition issued '
check "and the other way round" test "$(rows --columns disposition --where template=efsarchive --where 'requester_name=nwtraders\USER1' --sort disposition --descending)" = \
	'disposition revoked issued '
check "the newest first, page by page" test "$(rows --columns request_id --descending --limit 1 2>/dev/null)$(rows --columns request_id --descending --after 3 --all)" = \
	"request_id $(sqlite3 "$CA_STATE/dirca.db" "SELECT max(RequestID) FROM Request") request_id 2 1 "
check "by a column that there is not" refuses "there is no column 'x; DROP TABLE Request'" ca_lab_as officer1 requests --sort 'x; DROP TABLE Request'
check "what the CA has no index for goes no page on" refuses DIRCA_E_USAGE ca_lab_as officer1 requests --sort subject --after 3
# By a column, one row a page: the same as at once, and as the database says.
page_by_page() {
	local id=0 got=
	while got=$(rows --columns request_id --sort "$1" ${2:+"$2"} --limit 1 --after "$id" 2>/dev/null | tail -1) && got=${got##*request_id} && test -n "${got// /}"; do
		id=${got// /}
		printf '%s ' "$id"
	done
}
in_order() {
	test "$(page_by_page "$1" ${2:+"$2"})" = "$(sqlite3 "$CA_STATE/dirca.db" "SELECT RequestID FROM Request ORDER BY $3" | tr '\n' ' ')" &&
		test "$(rows --columns request_id --sort "$1" ${2:+"$2"} --all)" = "request_id $(page_by_page "$1" ${2:+"$2"})"
}
check "the CA sorts, page by page" in_order not_after "" "NotAfter IS NULL, NotAfter, RequestID"
check "and the other way round" in_order requester_name --descending "RequesterName IS NULL, RequesterName DESC, RequestID DESC"
# api QUERY [WHO]
api() { curl -sS --cacert "$CA_STATE/ca.crt" -u "${2:-officer1}:$(<"$(lab_password_file "${2:-officer1}")")" "$CA_URL/dirca/v1/requests?$1"; }
api_page() { api "$@" | jq -r '[.requests[].request_id, "next", .next, .next_value] | join(" ")'; }
first_issued=$(sqlite3 "$CA_STATE/dirca.db" "SELECT min(RequestID) FROM Request WHERE Disposition = 20")
check "the row where a page ended may change: its value then is the place" test "$(api_page 'sort=disposition&limit=1&after=99&after_value=pending')" = \
	"$first_issued next $first_issued issued"
check "or its value now" test "$(api_page "sort=disposition&limit=1&after=$first_issued" | cut -d ' ' -f 1)" -gt "$first_issued"
check "who may not view the CA goes on behind no one else's row" refuses CERTSRV_E_NO_REQUEST ca_lab_as user3 requests --sort not_after --after "$(id_of "$second")"
check "a value without a place" says E_INVALIDARG api after_value=x
check "what is no instant" says E_INVALIDARG api 'sort=not_after&after=1&after_value=soon'
check "nor an order of SQL" says E_INVALIDARG api 'sort=1;DROP'
check "certificates are named or described" refuses DIRCA_E_USAGE revoke officer1 "$second" --where template=EFSArchive
check "what matches nothing is not found" refuses CRYPT_E_NOT_FOUND revoke officer1 --where template=NoSuch --yes
check "a reason that there is not ends it" refuses "0 of 2 revoked" revoke officer1 --where template=EFSArchive --yes --reason tired
# ending STATUS OPTIONS...: what dirca expiring ends with, and gives by template.
ending() {
	local got=0
	admin expiring "${@:2}" --json >"$dir/ending" || got=$?
	jq -r '[.[] | .template + " " + .requester_name] | join(",")' "$dir/ending"
	[ "$got" = "$1" ]
}
check "what ends within two years and has no newer one" says 'EFSArchive NWTRADERS\user3' ending 4 --within 800d --template efsarchive
check "none of them ends within an hour" ending 0 --within 1h --template EFSArchive
not_exchange() { ending 4 --within 5000d && ! grep -q CAExchange "$dir/ending"; }
check "the CA's exchange certificate is not of them" not_exchange
check "30 months are no period" refuses DIRCA_E_USAGE admin expiring --within 30m
check "who may only enroll is told nothing" refuses E_ACCESSDENIED ca_lab_as user1 expiring
check "counts" test "$(admin stats --json | jq .issued)" = "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Request WHERE Disposition = 20")"
check "for people too" says "archived_keys" admin stats
unattended() { HOME=$dir/home/$1 KRB5CCNAME=FILE:$dir/home/$1/ccache setsid -w "$DIRCA_BIN/dirca" "${@:2}"; }
check "nobody is revoked without an answer" refuses "Revoke 2 certificates (unspecified)? no terminal to ask at" unattended officer1 revoke --where template=EFSArchive
check "all of a template: what is refused does not keep the others" refuses CERTSRV_E_RESTRICTEDOFFICER revoke officer1 --where template=EFSArchive --yes
check "the one is revoked, the other is not" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT Disposition FROM Request WHERE SerialNumber IN ('$second', '$engineer') ORDER BY RequestID" | tr '\n' ' ')" = '20 21 '
check "again does the rest" refuses "0 of 1 revoked, 1 refused" revoke officer1 --where template=EFSArchive --yes
check "each act is recorded, refusals too" test "$(audited 774)" -ge 7

# ---- who reads the audit trail ----
trail() { ca_lab_as auditor audit "$@"; }
fetched() {
	local answer
	answer=$(trail log --json "$@") && jq -c '.[]' <<<"$answer" &&
		jq -e 'length > 0 and all(.[]; .event == 787 and .success and .actor == "NWTRADERS\\officer1" and (.detail | contains("requester=NWTRADERS\\user1 ")))' <<<"$answer"
}
# found WORDS COMMAND...: a check that finds something, and says that.
found() {
	local text words=$1
	shift
	text=$("$@" 2>&1)
	[ $? -eq 4 ] && echo "$text" && [[ $text == *"$words"* ]]
}
verified() { "$DIRCA_BIN/dirca" audit verify "$@"; }
check "an auditor reads who fetched the keys of user1" fetched --event key-retrieved --actor OFFICER1 --object 'requester=nwtraders\user1 '
check "in words, for people" says 'an archived key was retrieved: NWTRADERS\officer1, request' trail log --event 787 --limit 1
check "of one request" says '[]' trail log --request 999999 --json
check "an event that there is not" refuses "key-retrieved" trail log --event nothing
check "a certificate manager does not read it" refuses E_ACCESSDENIED ca_lab_as officer1 audit log
check "nor an administrator" refuses E_ACCESSDENIED admin audit export
head=$(sqlite3 "$CA_STATE/dirca.db" "SELECT RowCount || ':' || lower(hex(RowHash)) FROM AuditHead")
check "exported" says "record(s)" trail export --out "$dir/trail.jsonl"
check "not over a file that is there" refuses ERROR_FILE_EXISTS trail export --out "$dir/trail.jsonl"
check "the export verifies without a CA" says "the chain holds" verified "$dir/trail.jsonl"
check "and holds the head that the database had" verified "$dir/trail.jsonl" --head "$head"
changed=$(jq 'select(.event == 787) | .row_id' "$dir/trail.jsonl" | head -1)
line=$(grep -n "\"row_id\":$changed,\"when\"" "$dir/trail.jsonl" | cut -d: -f1)
sed "${line}s/officer1/officer2/" "$dir/trail.jsonl" >"$dir/changed.jsonl"
check "a changed line is named" found "audit row $changed does not fit" verified "$dir/changed.jsonl"
check "one that was taken out too" found "audit row $changed is missing" verified <(sed "${line}d" "$dir/trail.jsonl")
check "another one does not" found "has another hash" verified "$dir/trail.jsonl" --head "1:$(printf '%064d' 0)"

check "the CA's certificate shows up to where the CA signed it" says "The CA signed it up to row" verified --ca "$CA_STATE/ca.crt" "$dir/trail.jsonl"
check "without its checkpoints it is not signed" found "the CA signed nothing of it" verified --ca "$CA_STATE/ca.crt" \
	<(grep -v '^{"checkpoint"' "$dir/trail.jsonl")
last=$(jq -s '.[-1].head.row_id' "$dir/trail.jsonl")
check "a search" refuses CRYPT_E_NOT_FOUND ca_lab_as officer1 getkey nobody@nwtraders.com
check "what came since" says "record(s)" trail export --after "$last" --out "$dir/more.jsonl"
check "goes on where the trail ended" says "more.jsonl: Rows $((last + 1)) to" verified --ca "$CA_STATE/ca.crt" "$dir/trail.jsonl" "$dir/more.jsonl"
check "and not after another" found "behind which the export goes on" verified <(head -1 "$dir/trail.jsonl"; jq -nc --arg h \
	"$(jq -r 'select(.row_id == 1) | .row_hash' "$dir/trail.jsonl")" '{head: {row_id: 1, row_hash: $h}}') "$dir/more.jsonl"
cef() { # the one line of a retrieved key
	local line
	line=$(trail log --cef --keys-of 'requester=NWTRADERS\user1 ' --limit 1) && echo "$line" &&
		[[ $line == 'CEF:0|dirca|dirca|'*'|787|an archived key was retrieved|3|rt='*' outcome=success suser=NWTRADERS\\officer1 '*' msg=case\='*' template\='* ]]
}
check "a SIEM gets its own format" cef
check "who may not write there is told" refuses E_ACCESSDENIED ca_lab_as officer1 officer allow officer1 --for Everyone
check "and nothing was changed" list '(.rules | length) == 2'
check "each change is recorded" test "$(audited 794)" -ge 4

# Two administrators at once: the second one's change is refused, not the first one's undone.
meanwhile() {
	local raw old
	old=$(lab_admin ldapsearch -LLL -o ldif-wrap=no -b "$(service)" -s base dircaOfficerRights | sed -n 's/^dircaOfficerRights:: //p')
	admin officer deny officer2 --for Everyone >/dev/null || return 1
	raw=$(printf 'dn: %s\nchangetype: modify\ndelete: dircaOfficerRights\ndircaOfficerRights:: %s\n-\nadd: dircaOfficerRights\ndircaOfficerRights:: %s\n' "$(service)" "$old" "$old" |
		lab_modify 2>&1) && return 1
	echo "$raw"
	[[ $raw == *"No such attribute"* ]]
}
check "what is changed is what was read" meanwhile

# ---- what the directory hides ----
check "an access list hides the rules from the CA" hide dircad dircaOfficerRights
check "then nobody may act" within refuses "absent or hidden from the CA's account" getkey officer1 "$seller"
check "nor officer2, who never might" refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer2 "$seller"
check "the access list is gone" unhide
check "officer1 may again" within getkey officer1 "$seller"
check "an access list hides the CA's rights from the CA" hide dircad dircaCASecurity
check "then nobody manages it" within refuses E_ACCESSDENIED admin ca status
check "the sentence says why" refuses "dircaCASecurity: it is absent or hidden" admin ca status
check "and nobody enrolls" refuses CERTSRV_E_ENROLL_DENIED ca_lab_enroll user2 User "$dir/hidden.pfx"
check "the access list is gone" unhide
check "the CA is managed again" within admin ca status
check "an access list hides the rules from the administrator" hide caadmin dircaOfficerRights
check "who cannot overwrite them unseen" refuses DIRCA_E_CHANGED admin officer restrict --off
check "the access list is gone" unhide
check "restrictions off" says "Restrictions: off" admin officer restrict --off
check "then officer2 may" within getkey officer2 "$seller"
check "officer1 has a certificate" ca_lab_enroll officer1 User "$dir/officer1.pfx"
own=$(sqlite3 "$CA_STATE/dirca.db" "SELECT SerialNumber FROM Request WHERE RequesterName LIKE '%officer1' AND Disposition = 20")
check "which he may put on hold" revoke officer1 "$own" --reason 6
check "not take from it" refuses DIRCA_E_OWN_REQUEST ca_lab_as officer1 unrevoke "$own"
check "another one may" ca_lab_as officer2 unrevoke "$own"

# ---- groups that the CA may not read (paper, "Unable to Recover User") ----
if [ "$DIRECTORY" = samba ]; then
	check "a restriction that the groups of the requester decide" admin officer restrict
	check "for Engineering alone" admin officer remove 1
	check "officer1" admin officer allow officer1 --for Engineering
	check "who may then" within getkey officer1 "$engineer"
	check "the requester's groups are hidden" hide dircad tokenGroups "CN=user3,CN=Users,$LDAP_BASE"
	check "then the officer may not" within refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer1 "$engineer"
	check "the sentence says which read was denied, and the cure" refuses "cannot read tokenGroups" getkey officer1 "$engineer"
	check "namely that" refuses "Pre-Windows 2000 Compatible Access" getkey officer1 "$engineer"
	check "explained the same way" explained caadmin officer1 "$engineer" '.keys[0].refusal.message | contains("cannot read tokenGroups")'
	check "shown again" unhide
	check "the officer's groups are hidden" hide dircad tokenGroups "CN=officer1,CN=Users,$LDAP_BASE"
	check "then too" ca_lab_eventually refuses CERTSRV_E_RESTRICTEDOFFICER getkey officer1 "$engineer"
	check "with the cure" refuses "Pre-Windows 2000 Compatible Access" getkey officer1 "$engineer"
	check "shown again" unhide
	check "restrictions off" admin officer restrict --off
fi

# ---- who sees what ----
check "who may only enroll sees the own requests" test "$(ca_lab_as user1 requests --json | jq -r '[.[].requester_name] | unique | join(",")')" = 'NWTRADERS\user1'
check "not the CA" refuses E_ACCESSDENIED ca_lab_as user1 ca status
check "an auditor sees all" test "$(ca_lab_as auditor requests --json | jq 'length')" -gt 2

# ---- enrollments explained ----
enrolls() {
	local answer
	answer=$(ca_lab_as "$1" explain enroll "$2" "$3" --json) && echo "$answer" && jq -e "$4" <<<"$answer"
}
check "allowed, with the entry and the way to it" enrolls caadmin user1 EFSArchive \
	'.allowed and .outcome == "issued" and (.steps[] | select(.check == "enroll-right") | (.ace | contains("nTSecurityDescriptor")) and (.group_path | startswith("user1 -> ")))'
check "a user asks about himself" enrolls user1 user1@nwtraders.com KeyRecoveryAgent '.refusal.name == "CERTSRV_E_TEMPLATE_DENIED"'
sentence=$(ca_lab_as user1 explain enroll user1 KeyRecoveryAgent --json | jq -r .refusal.message)
check "and hears the sentence of the refusal itself" refuses "$sentence" ca_lab_enroll user1 KeyRecoveryAgent "$dir/kra.pfx"
check "not about others" refuses E_ACCESSDENIED ca_lab_as user1 explain enroll user2 User
check "nor whether they are there" refuses E_ACCESSDENIED ca_lab_as user1 explain enroll nobody User
check "an administrator hears that" refuses CRYPT_E_NOT_FOUND admin explain enroll nobody User
check "what waits for approval says so" enrolls caadmin kra1 KeyRecoveryAgent '.outcome == "pending"'
check "people read it too" says "as user1 -> " admin explain enroll user1 EFSArchive

# ---- rights of the CA ----
check "the rights by name" says "Issue and Manage Certificates" admin ca rights
check "the last administrator cannot go" refuses CERTSRV_E_NO_CAADMIN_DEFINED admin ca rights revoke "CA Administrators" admin
check "nor be denied" refuses CERTSRV_E_NO_CAADMIN_DEFINED admin ca rights grant "CA Administrators" "Manage CA" --deny
check "user4 is no officer" refuses E_ACCESSDENIED getkey user4 "$seller"
check "a dry run grants nothing" says "dry run" admin ca rights grant user4 officer --dry-run
check "user4 becomes one" says "user4" admin ca rights grant user4 officer
check "in force within 2 s" within getkey user4 "$seller"
check "a denial beats it" says "deny" admin ca rights grant user4 officer --deny
check "in force within 2 s" within refuses E_ACCESSDENIED getkey user4 "$seller"
check "the denial goes" admin ca rights revoke user4 officer --deny
check "user4 may again" within getkey user4 "$seller"
check "and then not" admin ca rights revoke user4 "Issue and Manage Certificates"
check "in force within 2 s" within refuses E_ACCESSDENIED getkey user4 "$seller"
check "an unknown right" refuses DIRCA_E_USAGE admin ca rights grant user4 everything
check "who may not write there is told" refuses E_ACCESSDENIED ca_lab_as officer1 ca rights grant officer1 admin
check "each change is recorded" test "$(audited 786)" -ge 4
check "a restart records nothing twice" ca_lab_dircad_stop
before=$(audited 786)
check "it starts" ca_lab_dircad_start
check "and records nothing" test "$(audited 786)" -eq "$before"
check "a second valid key for one purpose is told of" says "warning: Issued, but: NWTRADERS\user3 has another valid certificate with an archived key for the same purpose: request $(id_of "$engineer")," \
	ca_lab_enroll user3 EFSArchive "$dir/user3b.pfx"
check "as an event too" test "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Event WHERE EventID = 1003")" = 1
# A row of somebody who had user3's name: skipped, and nothing of it told but that the list goes on behind it.
sqlite3 "$CA_STATE/dirca.db" "UPDATE Request SET RequesterName = 'NWTRADERS\user3', SubmittedWhen = 1 WHERE RequestID = $(id_of "$second")"
check "who has somebody's former name is told no value of his rows" test "$(api_page 'sort=submitted_when&limit=1' user3)" = "next $(id_of "$second") "
check "and goes on behind them" test "$(ca_lab_as user3 requests --sort submitted_when --columns request_id --limit 1 2>/dev/null | tail -1 | tr -d ' ')" = "$(id_of "$engineer")"
checks_end
