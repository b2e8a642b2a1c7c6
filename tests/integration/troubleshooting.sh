#!/usr/bin/env bash
# The paper's "Troubleshooting", step by step: each numbered step, event and error of it by name, brought about on a CA, and what the
# administrator is told: status, event, and by `dirca doctor ca` the cause and the cure. Where else what is not here is played stands at the
# end. usage: troubleshooting.sh
# shellcheck disable=SC2317,SC2016 # the functions are called through check, and eval expands what it is given
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-troubleshooting.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

admin() { ca_lab_as caadmin "$@"; }
# event NUMBER NAME JQ: there is one since the last `mark`, and its line in the log.
mark() { seen=$(admin events --all --json | jq '[.[].row_id] | max // 0'); }
has_event() {
	local answer
	answer=$(admin events --all --after "$seen" --number "$1" --json) && echo "$answer" &&
		jq -e "any(.[]; .name == \"$2\" and ($3))" <<<"$answer" && grep -q "event_id=$1 " "$dir/dircad.log"
}
event() { ca_lab_eventually has_event "$@" >/dev/null || has_event "$@"; }
# doctor NUMBER TEXT: a finding of that number says this, and how it is mended.
doctor() {
	local answer
	answer=$(admin doctor ca --json)
	[ $? -eq 4 ] && echo "$answer" && jq -e --arg t "$2" "any(.[]; .number == $1 and (.text | contains(\$t)) and (.cure | contains(\"\`\")))" <<<"$answer"
}
status_says() {
	local said
	said=$(admin kra status 2>&1)
	echo "$said"
	[[ $said == *"$1"* ]]
}
in_store() { openssl x509 -in "$1" -outform DER -out "$CA_STATE/kra/$(ca_lab_sha1 "$1").crt"; }
enable() { echo "kra = $(openssl x509 -in "$1" -outform DER | sha256sum | cut -c1-64)" >>"$CA_STATE/trust/kra-enabled"; }

check "a CA" ca_lab_start "$dir" scram rsa2048
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
mark

# ---- "User Enrollment Errors": no KRA has been defined on the CA ----
check "no KRA has been defined: 0x8009400a" refuses CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED ca_lab_enroll user1 EFSArchive "$dir/none.pfx"
# What the doctor says of a CA that archives for nobody works as it is typed.
cure_of() { admin doctor ca --json | jq -re --arg t "$1" '.[] | select(.text | contains($t)).cure | capture("`dirca (?<c>[^`]*)`").c'; }
check "the doctor says so" doctor 83 'template EFSArchive asks for archived keys'
check "three KRAs" ca_lab_kras 3
none() { printf 'count = 0\n%s\n' "$(if [ "$1" = listed ]; then grep '^kra' "$dir/enabled"; fi)" >"$CA_STATE/trust/kra-enabled" && ca_lab_reload; }
no_number() { ca_lab_eventually ca_lab_status '.kra_cert_count == 0'; }
cured() {
	local cure
	# shellcheck disable=SC2086 # words
	cure=$(cure_of 'template EFSArchive') && echo "$cure" && [[ $cure == "$1"* ]] && "$DIRCA_BIN/dirca" $cure -c "$DIRCAD_CONF" &&
		ca_lab_eventually ca_lab_enroll user1 EFSArchive "$(mktemp -u "$dir/XXXXXX.pfx")"
}
cp "$CA_STATE/trust/kra-enabled" "$dir/enabled"
check "none of them is enabled" eval 'none all && no_number'
check "the cure works as it is typed" cured 'kra enable '
check "they are, but for no key" eval 'none listed && no_number'
check "the cure works as it is typed, too" cured 'kra count 1'
check "all of them again" eval 'cp "$dir/enabled" "$CA_STATE/trust/kra-enabled" && ca_lab_reload && ca_lab_eventually ca_lab_has_kras 3 2'

# ---- "Troubleshooting KRA Configuration" ----
check "step 1: a number above that of the usable certificates is refused" refuses E_INVALIDARG ca_lab_kra count 9
mark
check "(written down by hand all the same)" ca_lab_count_by_hand 4
check "event 82 MSG_E_TOO_FEW_VALID_KRA_CERTS" event 82 MSG_E_TOO_FEW_VALID_KRA_CERTS '.variables.RequiredNumberofValidKRACerts == "4"'
check "event 83 MSG_E_LOADING_KRA_CERTS, for too few" event 83 MSG_E_LOADING_KRA_CERTS '.variables.ErrorCode | contains("too few")'
check "the minimum number cannot be loaded: 0x8009400b" refuses CERTSRV_E_NO_VALID_KRA ca_lab_enroll user1 EFSArchive "$dir/four.pfx"
check "event 21 MSG_E_PROCESS_REQUEST_FAILED" event 21 MSG_E_PROCESS_REQUEST_FAILED \
	'(.variables.ErrorCode | contains("0x8009400b")) and .variables.SubjectName == "NWTRADERS\\user1"'
check "the doctor says so" doctor 21 0x8009400b
check "the doctor says why, and what to do" doctor 82 '3 key recovery agents are usable and 4 must be'
check "the cure works as it is typed" ca_lab_kra count 1
check "and the CA archives" ca_lab_eventually ca_lab_enroll user1 EFSArchive "$dir/cured.pfx"

mark
check "step 2: a corrupted certificate" eval 'head -c 300 "$dir/kra2.crt" >"$CA_STATE/kra/$(ca_lab_sha1 "$dir/kra2.crt").crt" && ca_lab_reload'
check "event 85 MSG_E_CANNOT_LOAD_KRA_CERT" event 85 MSG_E_CANNOT_LOAD_KRA_CERT ".variables.ErrorCode | contains(\"$(ca_lab_sha1 "$dir/kra2.crt")\")"
check "the status of the tab Recovery Agents" status_says "not loaded"
check "the doctor says so" doctor 85 "$(ca_lab_sha1 "$dir/kra2.crt")"
check "its cure" eval 'ca_lab_kra remove --yes "$(ca_lab_sha1 "$dir/kra2.crt")" && ca_lab_kra add "$dir/kra2.crt" && ca_lab_usable_kras 3'

# ---- "Event Log Messages Related to Key Archival and Recovery" and "Loading KRA Certificates": the causes of 83 ----
mark
check "83, cause 1: the store cannot be opened" eval 'mv "$CA_STATE/kra" "$dir/away" && touch "$CA_STATE/kra" && ca_lab_reload'
check "event 83" event 83 MSG_E_LOADING_KRA_CERTS '.variables.ErrorCode | contains("kra")'
check "(it can again)" eval 'rm "$CA_STATE/kra" && mv "$dir/away" "$CA_STATE/kra" && ca_lab_reload'
mark
check "event 98 MSG_E_TOO_MANY_KRA_INVALID: the last ones go while the CA runs" eval 'mkdir "$dir/gone" && mv "$CA_STATE"/kra/*.crt "$dir/gone/" && ca_lab_reload'
check "as an event" event 98 MSG_E_TOO_MANY_KRA_INVALID '.variables == {}'
mark
check "83, causes 2 and 4: no certificate for what is enabled" eval 'ca_lab_dircad_stop && ca_lab_dircad_start'
check "event 83 at the start" event 83 MSG_E_LOADING_KRA_CERTS 'true'
check "the CA starts all the same" ca_lab_enroll user1 User "$dir/user.pfx"
check "No KRA can be successfully loaded: archival is refused" refuses 0x8009400 ca_lab_enroll user1 EFSArchive "$dir/no.pfx"
check "which the status says" status_says 'not found'
gone=$(openssl x509 -in "$dir/kra3.crt" -outform DER | sha256sum | cut -c1-64)
check "the doctor says how to do without" eval 'doctor 85 "$gone" && admin doctor ca | grep -F "dirca kra disable SHA256"'
check "which works as it is typed" says "Disabled: $gone" ca_lab_kra disable "$gone"
check "once" refuses CRYPT_E_NOT_FOUND ca_lab_kra disable "$gone"
check "and not with what was never enabled" refuses CRYPT_E_NOT_FOUND ca_lab_kra disable "${gone/[0-9]/f}"
check "(they are back)" eval 'mv "$dir"/gone/*.crt "$CA_STATE/kra/" && ca_lab_kra enable "$gone" && ca_lab_usable_kras 3'
check "83, cause 3: a setting in the database is none" eval 'ca_lab_dircad_stop; sqlite3 "$CA_STATE/dirca.db" "INSERT INTO Setting VALUES ('"'CA\\KeepRefusedRequests', 'maybe'"')"'
check "the CA does not start and names it" ca_lab_refuses_to_start "KeepRefusedRequests cannot be 'maybe'"
check "(it is mended)" eval 'sqlite3 "$CA_STATE/dirca.db" "DELETE FROM Setting WHERE Name LIKE '"'%KeepRefused%'"'"; ca_lab_dircad_start'

# ---- "KRA Certificate Status": 84 and 127, and causes 5 and 6 of 83 ----
check "a CA whose KRAs are trusted too" eval 'ca_lab_parent 90 && cp "$dir/parent.crt" "$CA_STATE/trust/kra-issuers.pem" && ca_lab_parent_signs soon 9 1.3.6.1.4.1.311.21.6 && ca_lab_parent_signs wrong 90 1.3.6.1.5.5.7.3.2'
mark
check "one of its KRAs ends soon, one certificate there is none of a KRA" eval 'in_store "$dir/wrong.crt" && enable "$dir/wrong.crt"; ca_lab_dircad_stop && ca_lab_dircad_start && ca_lab_kra add "$dir/soon.crt"'
check "event 84 MSG_E_INVALID_KRA_CERT, cause 5: not the type of a KRA" event 84 MSG_E_INVALID_KRA_CERT '.variables.KRACertSubjectName == "CN=wrong"'
check "event 84 where no CRL can be had" event 84 MSG_E_INVALID_KRA_CERT \
	'.variables.KRACertSubjectName == "CN=soon" and (.variables.ErrorCode | contains("cannot be checked"))'
check "the status of the tab Recovery Agents: invalid, and untrusted" eval 'status_says invalid && status_says untrusted'
check "the doctor says both" eval 'doctor 84 CN=wrong && doctor 84 "cannot be checked"'
check "that CA's CRL is in the directory" eval 'ca_lab_parent_cdp && ca_lab_parent_crl'
check "event 127 MSG_W_EXPIRATION_KRA_CERT" event 127 MSG_W_EXPIRATION_KRA_CERT '.level == "warning" and .variables.KRACertSubjectName == "CN=soon"'
check "the doctor says so" doctor 127 CN=soon
mark
check "step 3: it is revoked; cause 6" ca_lab_parent_crl "$(ca_lab_serial_of "$dir/soon.crt")"
check "event 84 says so" event 84 MSG_E_INVALID_KRA_CERT '.variables.KRACertSubjectName == "CN=soon" and (.variables.ErrorCode | contains("revoked"))'
check "and the status of the tab Recovery Agents" status_says revoked

# ---- "Certificate Template Not Supported by the CA" ----
mark
post() { # TEMPLATE: the answer's code
	openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/x.key" -subj / -outform DER 2>/dev/null | base64 |
		curl -s -D - -o /dev/null --cacert "$CA_STATE/ca.crt" -u "user1:$(<"$(lab_password_file user1)")" -H 'Content-Type: application/pkcs10' \
			--data-binary @- "$CA_URL/.well-known/est/$1/simpleenroll" | grep -i '^dirca-error: 0x80094800'
}
check "no denial was the CA's own until now" eval '! doctor 53 ""'
check "a template that this CA does not issue: 0x80094800" post Nothing
check "event 53 MSG_DN_CERT_DENIED_WITH_INFO" event 53 MSG_DN_CERT_DENIED_WITH_INFO \
	'(.variables.Reason | contains("0x80094800")) and .variables.SubjectName == "NWTRADERS\\user1" and (.variables.AdditionalInformation | contains("policy"))'

check "the doctor says so" doctor 53 0x80094800
named() { jq -e '.[] | select(.number == 53) | .cure | contains("`dirca template enable NAME`")' <<<"$(admin doctor ca --json)"; }
check "and how a template is issued" named
waiting=
check "a request waits whose template is taken from the CA" eval 'waiting=$(ca_lab_enroll kra1 KeyRecoveryAgent "$dir/waits.pfx" | jq -e .request_id) &&
	admin template disable KeyRecoveryAgent && ca_lab_eventually refuses CERTSRV_E_UNSUPPORTED_CERT_TYPE ca_lab_enroll kra2 KeyRecoveryAgent "$dir/no-more.pfx"'
check "it cannot be approved" refuses CERTSRV_E_UNSUPPORTED_CERT_TYPE ca_lab_as officer1 approve "$waiting"
check "event 22 MSG_E_PROCESS_REQUEST_FAILED_WITH_INFO" event 22 MSG_E_PROCESS_REQUEST_FAILED_WITH_INFO \
	'.variables.AdditionalInformation | contains("approval by")'
check "the doctor says so" doctor 22 "approval by"
check "its cure works as it is typed" eval 'admin template enable KeyRecoveryAgent && ca_lab_eventually ca_lab_as officer1 approve "$waiting"'

# ---- event 96: no CA exchange certificate ----
mark
check "event 96 MSG_E_CANNOT_CREATE_XCHG_CERT: the vault cannot write its key" eval 'mv "$CA_STATE/vault" "$dir/vault.away"; ! admin ca exchange renew; mv "$dir/vault.away" "$CA_STATE/vault"'
check "as an event" event 96 MSG_E_CANNOT_CREATE_XCHG_CERT '.level == "error"'
check "the doctor says so" doctor 96 exchange
check "its cure" admin ca exchange renew
mark
check "CRLF_USE_XCHG_CERT_TEMPLATE: the CA's own account may not enroll by CAExchange" eval \
	'admin setreg "CA\CRLFlags" +CRLF_USE_XCHG_CERT_TEMPLATE && refuses CERTSRV_E_TEMPLATE_DENIED admin ca exchange renew'
check "event 96 says so" event 96 MSG_E_CANNOT_CREATE_XCHG_CERT '.variables.ErrorCode | contains("0x80094012")'
check "the machine gets the right" eval 'admin template grant CAExchange dircad enroll && ca_lab_eventually admin ca exchange renew'
check "its validity wins" admin template set CAExchange validity=2w min-key-size=4096 'providers=Microsoft Strong Cryptographic Provider'
xchg_period() { [ "$(admin getreg "CA\CAXchgValidityPeriod$1" | sed -n 's/.* //p')" = "$2" ]; }
two_weeks() {
	admin ca exchange renew && xchg_period '' Weeks && xchg_period Units 2 &&
		[ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT (NotAfter - NotBefore) / 86400 FROM Request WHERE RequestFlags & 8 ORDER BY RequestID DESC LIMIT 1")" = 14 ]
}
check "and is written into the settings" ca_lab_eventually two_weeks
keeps_its_own() { # though the template, of which the validity was just taken, says otherwise
	admin getreg 'CA\EncryptionCSP\KeySize' | grep -q '= 2048$' && admin getreg 'CA\EncryptionCSP\Provider' | grep -q 'OpenSSL$' &&
		[ "$(sqlite3 "$CA_STATE/dirca.db" "SELECT PublicKeyLength FROM Request WHERE RequestFlags & 8 ORDER BY RequestID DESC LIMIT 1")" = 2048 ] &&
		newest_xchg 'Public-Key: (2048 bit)'
}
newest_xchg() { # the extension, by its OID
	sqlite3 "$CA_STATE/dirca.db" "SELECT hex(RawCertificate) FROM Request WHERE RequestFlags & 8 ORDER BY RequestID DESC LIMIT 1" |
		xxd -r -p | openssl x509 -inform DER -noout -text | grep -q "$1"
}
check "its key size and its provider never do" keeps_its_own
check "the certificate names the template by its OID" eval 'newest_xchg "1.3.6.1.4.1.311.21.7" && ! newest_xchg "1.3.6.1.4.1.311.20.2:"'
check "whoever sets another" eval 'admin setreg "CA\CAXchgValidityPeriod" "3 Weeks" && two_weeks'
mark
check "the template goes" ldapdelete -Q -Y EXTERNAL -H "$LDAPI_URI" "CN=CAExchange,CN=Certificate Templates,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"
check "and no exchange certificate is made" ca_lab_eventually refuses CERTSRV_E_UNSUPPORTED_CERT_TYPE admin ca exchange renew
check "event 96 says so" event 96 MSG_E_CANNOT_CREATE_XCHG_CERT '.variables.ErrorCode | contains("0x80094800")'
check "other templates go on" ca_lab_enroll user1 User "$dir/templateless.pfx"
check "without the flag it is made by the settings, which are the template's" eval \
	'admin setreg "CA\CRLFlags" -CRLF_USE_XCHG_CERT_TEMPLATE && admin ca exchange renew && xchg_period Units 2'
check "and names it by its name" eval 'newest_xchg "1.3.6.1.4.1.311.20.2:" && ! newest_xchg "1.3.6.1.4.1.311.21.7"'

# ---- "Certification Authority CSP Not Supported for Key Archival Functions" ----
check "which provider the CA uses" eval \
	'admin getreg "CA\EncryptionCSP\Provider" | grep -q "OpenSSL$" && admin getreg "CA\EncryptionCSP" | grep -q "ProviderType = 1$"'
check "one that is not here is refused by name: 0x80090019" refuses NTE_KEYSET_NOT_DEF \
	admin setreg 'CA\EncryptionCSP\Provider' Microsoft Software Key Storage Provider

# ---- "Certificate and Key Import Issues", and "Importing Exchange KMS Export File" ----
# A key of more than 1024 bits, of another CA.
foreign() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/foreign.key" -out "$dir/foreign.crt" -days 9 -subj /CN=user2 \
		-addext subjectAltName=email:user2@nwtraders.com -addext basicConstraints=critical,CA:FALSE 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/foreign.crt" -inkey "$dir/foreign.key" -passout "file:$(ca_lab_pass)" -out "$dir/foreign.pfx"
}
import() { ca_lab_as officer1 importkms -f "$dir/foreign.pfx" --source-password-file "$(ca_lab_pass)"; }
imports() { # STATUS LINE...: what the report counts
	local said status line
	said=$(import 2>&1)
	status=$?
	echo "$said"
	[ $status -eq "$1" ] || return 1
	for line in "${@:2}"; do grep -qx "$line" <<<"$said" || return 1; done
}
check "a key of another CA" eval 'foreign && admin import certificate new'
check "the CA is not configured for foreign certificates: Invalid Signature" refuses 'Invalid Signature' import
check "nothing is imported or archived" imports 1 'Certificates not imported: 1' 'Keys not archived: 1'
check "root allows it" eval 'ca_lab_dircad_stop && echo "kra_flags = KRAF_ENABLEFOREIGN" >>"$DIRCAD_CONF" && ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready'
check "and is not configured for key archival" eval 'cp "$CA_STATE/trust/kra-enabled" "$dir/enabled" && none all && no_number'
check "the key is not archived" imports 1 'Keys not archived: 1'
check "it is again" eval 'cp "$dir/enabled" "$CA_STATE/trust/kra-enabled" && ca_lab_reload && ca_lab_eventually ca_lab_status ".kra_cert_count == 1"'
check "a key of more than 1024 bits is no error: 0x80070057 does not come" imports 0 'Keys: 1' 'Keys archived: 1'

# ---- "Missing KRA Certificate in the CA Registry" ----
serial=$(ca_lab_serial_of "$dir/cured.pfx")
check "KRA certificates are taken out of the store" eval 'rm "$CA_STATE"/kra/*.crt && ca_lab_reload'
check "and the key is handed out all the same, with the copy" ca_lab_as officer1 getkey "$serial" "$dir/out.rec"

# ---- "User Enrollment Errors": no current CRL of the CA itself, or of one above it ----
mark
no_own_crl() {
	sqlite3 "$CA_STATE/dirca.db" "BEGIN; CREATE TRIGGER none BEFORE INSERT ON CrlList BEGIN SELECT RAISE(ABORT, 'none'); END;
		UPDATE CrlList SET CRLThisUpdate = 1, CRLNextUpdate = 2; COMMIT" && ca_lab_reload
}
check "the CA's CRL ends, and it can make no other" eval 'no_own_crl && ca_lab_eventually ca_lab_status ".issuing_stopped != null"'
check "the CA has no valid CRL of itself: 0x80092013" refuses CRYPT_E_REVOCATION_OFFLINE ca_lab_enroll user1 User "$dir/offline.pfx"
check "event 53 MSG_DN_CERT_DENIED_WITH_INFO, for the CA's CRL" event 53 MSG_DN_CERT_DENIED_WITH_INFO \
	'(.variables.Reason | contains("0x80092013") and contains("of its own")) and (.variables.AdditionalInformation | contains("policy"))'
check "the doctor says so" doctor 1002 'of its own'
check "its cure" eval 'sqlite3 "$CA_STATE/dirca.db" "DROP TRIGGER none" && admin crl'
check "at once" ca_lab_enroll user1 User "$dir/online.pfx"

# The same CA with a certificate of a parent, which leaves it client authentication and secure mail ("Restricting Key Archival").
by_parent() { # OUT LINES: the parent answers the CA's request
	printf 'basicConstraints = critical,CA:true\nkeyUsage = critical,digitalSignature,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\n%s' "$2" >"$dir/ext"
	openssl x509 -req -in "$CA_STATE/ca.csr" -CA "$dir/parent.crt" -CAkey "$dir/parent.key" -CAcreateserial -days 60 -copy_extensions copy \
		-extfile "$dir/ext" -out "$1"
}
subordinate() {
	ca_lab_dircad_stop && mv "$CA_STATE" "$dir/root.state" && "$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF" --subordinate &&
		by_parent "$dir/sub.crt" '1.3.6.1.4.1.311.21.10 = ASN1:SEQUENCE:all
			[all]
			first = SEQUENCE:one
			second = SEQUENCE:two
			[one]
			oid = OID:1.3.6.1.5.5.7.3.2
			[two]
			oid = OID:1.3.6.1.5.5.7.3.4
		' && "$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF" --install "$dir/sub.crt" --chain "$dir/parent.crt"
}
renewed() {
	ca_lab_dircad_stop && "$DIRCA_BIN/dirca" ca renew -c "$DIRCAD_CONF" && by_parent "$dir/sub2.crt" '' &&
		says "current CRL of each CA above it" "$DIRCA_BIN/dirca" ca install -c "$DIRCAD_CONF" "$dir/sub2.crt" --chain "$dir/parent.crt" && ca_lab_dircad_start
}
no_cdp() { ldapdelete -Q -Y EXTERNAL -H "$LDAPI_URI" "CN=Parent,CN=CDP,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE"; }
restart() { ca_lab_dircad_start && ca_lab_publish && ca_lab_eventually ca_lab_is_ready; }
check "a subordinate CA, whose parent has no CRL in the directory" eval 'subordinate && no_cdp && seen=0 && restart'
check "nothing is issued: 0x80092013" refuses CRYPT_E_REVOCATION_OFFLINE ca_lab_enroll user1 User "$dir/offline.pfx"
check "event 53, for the CRL of the parent" event 53 MSG_DN_CERT_DENIED_WITH_INFO '.variables.Reason | contains("0x80092013") and contains("of its issuer")'
check "event 1002 DIRCA_ISSUING_STOPPED" event 1002 DIRCA_ISSUING_STOPPED '.level == "error"'
check "the doctor says so" doctor 1002 'of its issuer'
check "ca status too" says "WARNING: nothing is issued" admin ca status
check "and who asks for an explanation" says CRYPT_E_REVOCATION_OFFLINE admin explain enroll user1 User
check "one cure: going on without it" eval 'admin setreg "CA\CRLFlags" +CRLF_REVCHECK_IGNORE_OFFLINE && ca_lab_enroll user1 User "$dir/without.pfx"'
check "(not for ever)" eval 'admin setreg "CA\CRLFlags" -CRLF_REVCHECK_IGNORE_OFFLINE && refuses CRYPT_E_REVOCATION_OFFLINE ca_lab_enroll user1 User "$dir/offline.pfx"'
check "the other: its CRL" eval 'ca_lab_parent_cdp && ca_lab_parent_crl'
check "a certificate" ca_lab_eventually ca_lab_enroll user1 User "$dir/sub.pfx"

# ---- event 81: key archival excluded by the chain ----
check "event 81 MSG_E_KRA_NOT_ADVANCED_SERVER" event 81 MSG_E_KRA_NOT_ADVANCED_SERVER '.variables.ErrorCode | contains("1.3.6.1.4.1.311.21.5")'
check "ca status says that it may not archive" says "Key archival: EXCLUDED: the CA certificate of" admin ca status
check "it has no exchange certificate" ca_lab_status '.exchange_certificate_not_after == ""'
check "a template that archives is refused: 0x8009400a" refuses CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED ca_lab_enroll user1 EFSArchive "$dir/none.pfx"
check "the doctor says which certificate excludes it" doctor 81 1.3.6.1.4.1.311.21.5
check "its cure: another certificate of the parent" eval 'renewed && ca_lab_eventually ca_lab_status ".archival_excluded == null"'
check "the doctor says it no more" eval '! doctor 81 ""'
check "and the CA archives" eval 'rm "$dir/kra1.pfx" && ca_lab_kras 1 && ca_lab_enroll user1 EFSArchive "$dir/again.pfx"'
check "the parent revokes it: nothing is issued, whatever the setting" eval 'ca_lab_parent_crl "$(ca_lab_serial_of "$dir/sub2.crt")" &&
	admin setreg "CA\CRLFlags" +CRLF_REVCHECK_IGNORE_OFFLINE && ca_lab_eventually refuses CRYPT_E_REVOKED ca_lab_enroll user1 User "$dir/revoked.pfx"'

# ---- "Unable to Recover User" is in officer.sh, 0x80090009 of "Client CSP Does Not Permit Key Export" and 0x80100028 of "Smart Card
# Support" in key_files.sh, event 65 in publish.sh, events 86 to 88 in token.sh.
checks_end
