#!/usr/bin/env bash
# What is published in the directory and taken out again: the CA, KRAs, users' certificates, CRLs; what a refusing directory
# interrupts is finished at the next start; viewstore and ds show it. usage: publish.sh
# shellcheck disable=SC2317,SC2016 # the functions are called through check, and eval expands what it is given
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-publish.XXXXXX)
finish() {
	ca_lab_stop
	[ -z "${smtp_pid:-}" ] || kill "$smtp_pid"
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

as() { ca_lab_as "$@"; }

# An access rule before those of a database, and away with it.
deny_writes() { # DATABASE RULE
	ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" >/dev/null <<-END
		dn: olcDatabase=$1,cn=config
		changetype: modify
		add: olcAccess
		olcAccess: {0}$2
	END
}
allow_writes() { # DATABASE
	ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" >/dev/null <<-END
		dn: olcDatabase=$1,cn=config
		changetype: modify
		delete: olcAccess
		olcAccess: {0}
	END
}
configuration='{1}mdb' domain='{2}mdb'
services="cn=enrollment services,cn=public key services,cn=services,cn=configuration,dc=nwtraders,dc=com"

store_has() { # STORE HASH COUNT
	[ "$(as user1 viewstore "$1" --json | jq --arg h "$2" '[.[] | select(.certificate_hash == $h)] | length')" -eq "$3" ]
}
is_service() { as user1 cas --json | jq -e 'length == 1'; }
no_service() { as user1 cas --json | jq -e 'length == 0'; }
warned() { ca_lab_status "[.warnings[] | select(startswith(\"not published in the directory: the CRL: \"))] | length == $1"; }
unpublished() { ca_lab_status ".unpublished == $1"; }
user_certificates() { # USER COUNT
	[ "$(as user1 viewstore "ldap:///cn=$1,cn=Users,$LDAP_BASE?userCertificate" --json 2>/dev/null | jq length)" = "$2" ]
}
publish() { as caadmin ca publish -c "$DIRCAD_CONF" --admin "CA Administrators" --officer "Certificate Managers" "$@"; }
restart() { ca_lab_dircad_stop && ca_lab_dircad_start; }

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
hash=$(ca_lab_sha1 "$CA_STATE/ca.crt")

check "viewstore CA" store_has CA "$hash" 1
check "viewstore NTAuth" store_has NTAuth "$hash" 1
check "viewstore Root" store_has Root "$hash" 1
check "viewstore KRA shows both, and its text names one" test "$(as user1 viewstore KRA | grep -c '^ *Cert Hash')" -eq 2
check "viewstore CDP shows the CRL" test "$(as user1 viewstore CDP --json | jq -r '.[0].crl_number')" = 1
check "a store that is none" refuses DIRCA_E_USAGE as user1 viewstore Nothing
check "a URL with a host" refuses E_INVALIDARG as user1 viewstore "ldap://elsewhere/$LDAP_BASE"
check "a URL of nothing" refuses CRYPT_E_NOT_FOUND as user1 viewstore "ldap:///cn=nobody,$LDAP_BASE?userCertificate"
check "ds names the CA's hash" says "Cert Hash(sha1): ${hash:0:2} ${hash:2:2}" as user1 ds
check "ds -v shows attributes and rights" says "nTSecurityDescriptor: O:" as user1 ds -v
check "ds --json: parents come first" jq -e '(.[0].dn | ascii_downcase | startswith("cn=public key services")) and
	(map(.dn | ascii_downcase) | index("cn=kra,cn=public key services,cn=services,cn=configuration,dc=nwtraders,dc=com") != null)' \
	<(as user1 ds --json)

# ---- events are told to a program and by mail ----
mails() { cat "$dir"/mail/*.eml 2>/dev/null; }
# mailed TO WORD...: a mail to that address says all of it, in subject or text.
mailed() {
	local to=$1 file text word
	for file in "$dir"/mail/*.eml; do
		grep -qF "RCPT TO:<$to>" "$file" || continue
		text=$(python3 -c 'import email, email.policy, sys
m = email.message_from_bytes(open(sys.argv[1], "rb").read().split(b"\n\n", 1)[1], policy=email.policy.default)
print(m["subject"], m["to"], m["from"], m.get_content(), sep="\n")' "$file") || return 1
		for word in "${@:2}"; do [[ $text == *"$word"* ]] || continue 2; done
		echo "$text"
		return
	done
	return 1
}
mail_server() {
	mkdir "$dir/mail" && (umask 077 && printf 'mail-Passw0rd\n' >"$dir/mail/password") || return 1
	"$here/../support/smtp_server.py" "$dir/mail" "$dir/tls/server.pem" "$dir/tls/server.key" dircad mail-Passw0rd 2>"$dir/mail/log" &
	smtp_pid=$!
	ca_lab_eventually test -s "$dir/mail/port"
}
tell_outside() {
	printf '#!/bin/sh\ncat >>%q\necho >>%q\n' "$dir/told" "$dir/told" >"$dir/hook" && chmod 700 "$dir/hook" &&
		cat >>"$DIRCAD_CONF" <<-END && restart
			event_hook = $dir/hook
			event_mail_to = admin@nwtraders.com
			pending_mail_to = manager1@nwtraders.com
			pending_mail_to = manager2@nwtraders.com
			requester_mail = yes
			mail_from = ca@nwtraders.com
			mail_server = smtp://localhost:$(<"$dir/mail/port")
			mail_user = dircad
			mail_password_file = $dir/mail/password
			mail_tls_ca = $dir/tls/ca.pem
		END
}
told() { jq -se "any(.[]; $1)" "$dir/told"; } # JQ: about an event
request_of() { jq -r .request_id "$dir/waits.json"; }
waits() { rm -f "$dir/waits.pfx"*; ca_lab_enroll kra1 KeyRecoveryAgent "$dir/waits.pfx" >"$dir/waits.json"; jq -e '.disposition == "pending"' "$dir/waits.json"; }
check "a mail server" mail_server
check "the CA tells people and a program" tell_outside
check "a request waits" ca_lab_eventually waits
check "both managers are told" ca_lab_eventually mailed manager2@nwtraders.com "request $(request_of)" 'NWTRADERS\kra1 waits' "dirca approve $(request_of)" manager1@
check "and the program" ca_lab_eventually told ".number == 8 and .request_id == $(request_of) and .ca == \"$CA_NAME\" and .variables.SubjectName == \"NWTRADERS\\\\kra1\""
check "it is approved" as officer1 approve "$(request_of)"
check "the requester is told, at the address of the directory" ca_lab_eventually mailed kra1@nwtraders.com "request $(request_of)" approved "dirca retrieve"
check "another waits" waits
check "it is denied" as officer1 deny "$(request_of)" --reason "not today"
check "the requester is told why" ca_lab_eventually mailed kra1@nwtraders.com "request $(request_of)" denied "not today"
not_whom() { ! mailed kra1@nwtraders.com officer1; }
check "and not by whom" not_whom
check "what is issued at once is mailed to nobody" eval 'ca_lab_enroll user4 User "$dir/user4.pfx" && ca_lab_eventually told ".number == 6 and .variables.SubjectName == \"NWTRADERS\\\\user4\"" && ! mailed user4@nwtraders.com'
check "the password is in no mail, and nothing was sent in the clear" eval '! grep -rl mail-Passw0rd "$dir"/mail/*.eml "$dir/dircad.log" "$dir/told"'
owns_key() { ca_lab_enroll user6 EFSArchive "$dir/owned.pfx"; }
case_mail() { as caadmin setreg 'CA\Recovery\SecondApprover' All && as officer1 case open user6 --reason damaged --ticket INC-1 && as officer2 case approve 1; }
check "somebody's key is archived" owns_key
check "a case about it is opened and approved" case_mail
check "managers are told, with the command" ca_lab_eventually mailed manager1@nwtraders.com 'recovery case 1 of NWTRADERS\officer1' "dirca case approve 1" damaged
check "the key is fetched" as officer1 getkey user6 "$dir/owned.rec"
check "its owner is told" ca_lab_eventually mailed user6@nwtraders.com 'NWTRADERS\officer1' "recovery case 1" "tell the auditors"
told_record() { sqlite3 "$CA_STATE/dirca.db" "SELECT Detail FROM Audit WHERE EventID = 1777 AND Success = $1"; } # 1|0: that an owner was told
check "which the trail says, and to which address" ca_lab_eventually eval '[ "$(told_record 1)" = "event=1013 by=mail to=user6@nwtraders.com" ]'
check "of that alone" eval '! mailed user6@nwtraders.com "is open"'
check "the program of all" ca_lab_eventually told '.number == 1013 and .category == "recovery" and .variables.CaseId == "1"'
mail_trusts() { sed -i "s|^mail_tls_ca = .*|mail_tls_ca = $1|" "$DIRCAD_CONF" && restart; }
check "a mail server with a certificate of somebody else" mail_trusts "$CA_STATE/ca.crt"
mails=$(ls "$dir/mail")
check "holds nobody up" eval 'ca_lab_eventually waits && ca_lab_enroll user5 User "$dir/user5.pfx"'
check "is told in the log" ca_lab_eventually grep -q 'event="mail not sent" event_id=8 .*certificate' "$dir/dircad.log"
check "and gets nothing" test "$mails" = "$(ls "$dir/mail")"
fails_to_tell() { # the owner gets no mail, the program fails: the key is handed out all the same, and recorded
	local recorded
	recorded=$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = 1")
	cp "$dir/hook" "$dir/hook.kept" && printf '#!/bin/sh\nexit 3\n' >"$dir/hook" && as caadmin setreg 'CA\Recovery\SecondApprover' None &&
		as officer1 getkey user6 "$dir/untold.rec" && [ -s "$dir/untold.rec" ] &&
		[ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Audit WHERE EventID = 787 AND Success = 1")" = $((recorded + 1)) ] &&
		ca_lab_eventually grep -q 'event="the program for events failed" event_id=1013 .*ended with status 3' "$dir/dircad.log" &&
		ca_lab_eventually grep -q 'event="mail not sent" event_id=1013 ' "$dir/dircad.log"
}
check "who cannot be told of a recovery holds none up, and is told of in the log" fails_to_tell
check "and in the trail" ca_lab_eventually eval '[[ $(told_record 0) == "event=1013 by=mail to=user6@nwtraders.com why="*certificate* ]]'
untold() { as caadmin doctor ca >"$dir/doctor" || [ $? = 4 ] && grep -q 'event 1014: NWTRADERS.user6 was not told' "$dir/doctor"; }
check "and by the doctor" ca_lab_eventually untold
mv "$dir/hook.kept" "$dir/hook"
check "(the right one again)" mail_trusts "$dir/tls/ca.pem"
check "he is told when the CA can" ca_lab_eventually eval '[ "$(told_record 1 | wc -l)" = 2 ]'
chmod 722 "$dir/hook"
check "a program that others may change is not run" eval 'waits; ca_lab_eventually grep "others than root may change it" "$dir/dircad.log"'
chmod 700 "$dir/hook"
touch "$dir/mail/hang"
check "one that hangs keeps the CA from nothing, stopping included" eval 'waits && ca_lab_enroll user6 User "$dir/user6.pfx" && ca_lab_dircad_stop && ca_lab_dircad_start'
rm "$dir/mail/hang"

# A directory that refuses: the certificate is issued all the same, and published after the next start.
check "the directory refuses userCertificate" deny_writes "$domain" 'to attrs=userCertificate by users read'
check "user1 enrolls all the same" ca_lab_enroll user1 User "$dir/user1.pfx"
check "one publication waits" ca_lab_eventually unpublished 1
check "nothing is in the directory" user_certificates user1 0
check "the CA starts again" restart
check "and it still waits" unpublished 1
check "the directory allows it" allow_writes "$domain"
check "the CA starts once more" restart
check "nothing waits" ca_lab_eventually unpublished 0
check "user1's certificate is there" user_certificates user1 1
check "a certificate that is allowed is there at once" ca_lab_enroll user2 User "$dir/user2.pfx"
check "without a restart" ca_lab_eventually user_certificates user2 1

check "a CRL that the directory refuses stands" deny_writes "$configuration" "to dn.subtree=\"cn=cdp,${services#*,}\" by users read"
check "a new CRL" as caadmin crl
check "the status says so" ca_lab_eventually warned 1
check "event 65 MSG_E_BASE_CRL_PUBLICATION" ca_lab_eventually told '.number == 65 and (.variables.URL | startswith("ldap:///CN=")) and .variables.CAKeyIdentifier == "0"'
check "the administrator is told" ca_lab_eventually mailed admin@nwtraders.com "CRL not published" "could not be brought" "dirca doctor ca"
check "a certificate is published all the same" ca_lab_enroll user3 User "$dir/user3.pfx"
check "at once" ca_lab_eventually user_certificates user3 1
check "the directory allows it" allow_writes "$configuration"
check "the CA starts" restart
crl_is_2() { [ "$(as user1 viewstore CDP --json | jq -r '.[0].crl_number')" = 2 ]; }
check "and publishes it" ca_lab_eventually crl_is_2
check "of which no warning is left" ca_lab_eventually warned 0

kra1=$(ca_lab_sha1 "$dir/kra1.crt")
kra2=$(ca_lab_sha1 "$dir/kra2.crt")
check "user1 may not take KRAs out" refuses DIRCA_E_DIRECTORY as user1 kra unpublish "$kra1"
check "kra unpublish by hash" as caadmin kra unpublish "$kra1"
check "it is gone" store_has KRA "$kra1" 0
check "the other one stays" store_has KRA "$kra2" 1
check "twice is not found" refuses CRYPT_E_NOT_FOUND as caadmin kra unpublish "$kra1"
check "kra unpublish by file" as caadmin kra unpublish "$dir/kra2.crt"
# What the doctor says to do, of which there is no event.
doctor_cure() { as caadmin doctor ca --json | jq -re --arg t "$1" '.[] | select(.number == null and (.text | contains($t))).cure | capture("`dirca (?<c>[^`]*)`").c'; }
check "the doctor misses it there" eval 'ca_lab_reload; ca_lab_eventually doctor_cure "(SHA-1 $kra1)"'
check "kra publish puts it back, from where the doctor says" as caadmin kra publish "$CA_STATE/kra/$kra1.crt" "$dir/kra2.crt"
check "both are there, beside the one that was approved" test "$(as user1 kra list --json | jq length)" -eq 3
# Lint names the certificate of the KRA container that is to go, and what it says to do works as it is typed.
lint_hash() { as user1 template lint --json | jq -re ".findings[] | select(.rule == \"$1\").detail | capture(\"SHA-1 (?<h>[0-9a-f]{40})\").h"; }
lint_cured() { # RULE
	local hash
	hash=$(lint_hash "$1") && as caadmin kra unpublish "$hash" && ! lint_hash "$1"
}
check "kra1 has two of them: ARC9 names the older" eval 'lint_cured ARC9 && store_has KRA "$kra2" 1'
doctor_cured() {
	local cure
	# shellcheck disable=SC2086 # words
	cure=$(doctor_cure "whose KRA store does not have it") && as caadmin $cure
}
check "the newer is not in the CA's store, which the doctor mends" eval 'ca_lab_reload; ca_lab_eventually doctor_cured && test "$(as user1 kra list --json | jq length)" -eq 1'
check "the CA's own certificate is none of a KRA: ARC8" eval '! lint_hash ARC8 && as caadmin kra publish "$CA_STATE/ca.crt" && lint_cured ARC8'

# A second CA in the directory.
other_ca() {
	lab_admin ldapsearch -LLL -o ldif-wrap=no -s base -b "CN=$CA_NAME,$services" |
		sed -e "s/^dn: .*/dn: CN=Other-CA,$services/" -e 's/^cn: .*/cn: Other-CA/' -e '/^displayName:/d; /^objectGUID:/d' |
		lab_admin ldapadd >/dev/null
}
check "another CA is published" other_ca
check "which one is meant must be said, and the choice is listed" refuses "2 certification authorities: $CA_NAME, Other-CA; choose" as caadmin ca status
check "and the code is that of an ambiguous name" refuses TYPE_E_AMBIGUOUSNAME as caadmin officer list
check "with --ca it is clear" as caadmin ca status --ca "$CA_NAME"
check "it goes again" lab_admin ldapdelete "CN=Other-CA,$services"

check "user1 may not unpublish the CA" refuses DIRCA_E_DIRECTORY as user1 ca unpublish -c "$DIRCAD_CONF" -H "$LDAPS_URI"
check "ca unpublish" as caadmin ca unpublish -c "$DIRCAD_CONF" -H "$LDAPS_URI"
check "no enrollment service" no_service
check "not in NTAuth" refuses CRYPT_E_NOT_FOUND as user1 viewstore NTAuth
check "AIA stays" store_has CA "$hash" 1
check "ca unpublish again is fine" as caadmin ca unpublish -c "$DIRCAD_CONF" -H "$LDAPS_URI"
check "ca unpublish --all" as caadmin ca unpublish --all -c "$DIRCAD_CONF" -H "$LDAPS_URI"
check "AIA is empty" refuses CRYPT_E_NOT_FOUND as user1 viewstore CA
check "Root is empty" refuses CRYPT_E_NOT_FOUND as user1 viewstore Root
check "CDP is empty" refuses CRYPT_E_NOT_FOUND as user1 viewstore CDP

# A publication that stops halfway is finished when the daemon starts.
check "a new CA needs an administrator" refuses CERTSRV_E_NO_CAADMIN_DEFINED as caadmin ca publish -c "$DIRCAD_CONF"
check "the directory refuses enrollment services" deny_writes "$configuration" "to dn.subtree=\"$services\" by users read"
check "ca publish fails halfway" refuses DIRCA_E_DIRECTORY publish --template EFSArchive
check "AIA is there" store_has CA "$hash" 1
check "the service is not" no_service
check "the directory allows it" allow_writes "$configuration"
check "dircad starts" restart
check "and finishes it" ca_lab_eventually is_service
check "with the templates that were asked for" test "$(as user1 cas --json | jq -r '.[0].templates[]')" = EFSArchive
check "and the rights" ca_lab_eventually ca_lab_status .directory_fresh
check "the file is gone" test ! -e "$CA_STATE/publication.ldif"
check "ca publish again needs no administrator" as caadmin ca publish -c "$DIRCAD_CONF"

# service_keys: dircaServiceKeyHash of the CA, one a line. tls_key: what it should be.
service_keys() {
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=$CA_NAME,CN=Enrollment Services,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" \
		dircaServiceKeyHash | sed -n 's/^dircaServiceKeyHash:: //p'
}
tls_key() { openssl x509 -in "$CA_STATE/tls.crt" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64; }
one_service_key() { [ "$(service_keys)" = "$(tls_key)" ]; }
# change_service_key OPERATION [VALUE]: of the attribute, as the directory's administrator.
change_service_key() {
	printf 'dn: CN=%s,CN=Enrollment Services,CN=Public Key Services,CN=Services,%s\nchangetype: modify\n%s: dircaServiceKeyHash\n%s\n' \
		"$CA_NAME" "$LDAP_CONFIG_BASE" "$1" "${2:+dircaServiceKeyHash:: $2}" | lab_modify
}
check "the key of the service is published" one_service_key
check "another key takes its place" change_service_key replace "$(openssl rand -base64 32)"
check "then nothing is said to the CA" refuses DIRCA_E_SERVICE_KEY as user1 requests
check "nor where there is none" change_service_key delete
check "and the sentence names the cure" refuses 'dirca ca publish' as user1 requests
check "ca publish puts it back" as caadmin ca publish -c "$DIRCAD_CONF"
check "as the only one" one_service_key
check "and the CA is asked again" as user1 requests
check "a key is lost while dircad is away" change_service_key delete
check "dircad stops" ca_lab_dircad_stop
check "and starts" ca_lab_dircad_start
check "it publishes its key itself" ca_lab_eventually one_service_key

# Who is named certificate manager is one; if nobody is, the administrators are.
check "the CA is taken out again" as caadmin ca unpublish --all -c "$DIRCAD_CONF" -H "$LDAPS_URI"
check "published without --officer it says who its certificate managers are" says "administrators are its certificate managers" \
	as caadmin ca publish -c "$DIRCAD_CONF" --admin "CA Administrators"
check "and they are" ca_lab_eventually refuses CRYPT_E_NOT_FOUND as caadmin getkey nobody@nwtraders.com

# Lint sees the same tree.
lint() { as user1 template lint "$@"; }
lint_is() { # STATUS FILTER
	local answer status=0
	answer=$(lint --json) || status=$?
	echo "$answer"
	[ $status -eq "$1" ] && jq -e "$2" <<<"$answer"
}
change_template() { # CN ATTRIBUTE VALUE
	ldapmodify -Q -Y EXTERNAL -H "$LDAPI_URI" >/dev/null <<-END
		dn: CN=$1,CN=Certificate Templates,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE
		changetype: modify
		replace: $2
		$2: $3
	END
}
check "lint finds nothing in the demo tree" lint_is 0 '.findings == [] and (.not_seen | length) > 3'
check "user2 chooses a subject" change_template UserArchive msPKI-Certificate-Name-Flag 1
check "lint finds ESC1 and who" lint_is 4 '[.findings[] | select(.rule == "ESC1" and .object == "UserArchive")
	| .trustees[].name] | length > 0'
check "and says so" refuses 'ESC1: UserArchive' lint
check "the domain's people are to be trusted" test "$(lint --trusted 'Domain Users' --json | jq '.findings | length')" -eq 0
check "whom the directory does not know" refuses CRYPT_E_NOT_FOUND lint --trusted 'No Such Group'
checks_end
