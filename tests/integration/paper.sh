#!/usr/bin/env bash
# The paper's own command lines, each in its spelling and under the section that prints it: run against a CA, or refused with the reason;
# and its walkthrough of certreq with what an attacker makes of the files. usage: paper.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-paper.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

check "a CA" ca_lab_start "$dir"
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# as USER PROGRAM WORD...: the program of that name, as Windows finds it, in a folder of its own
work=$dir/work
mkdir "$work"
as() {
	ca_lab_person "$1" && (cd "$work" && HOME=$(ca_lab_home "$1") exec "$DIRCA_BIN/adcs/$2" "${@:3}")
}
# prints WORDS USER PROGRAM WORD...: it succeeds, says so as there, and these words
prints() {
	local name=CertUtil text
	[[ ${3,,} != certreq* ]] || name=CertReq
	text=$(as "${@:2}" 2>&1) || { echo "$text"; return 1; }
	echo "$text"
	[[ $text == *"$1"* ]] && [[ $(tail -1 <<<"$text") =~ ^"$name: -"[A-Za-z]*" command completed successfully."$ ]]
}
# fails WORDS USER PROGRAM WORD...: it fails, says so as there, and these words
fails() {
	local text
	text=$(as "${@:2}" 2>&1) && { echo "$text"; return 1; }
	echo "$text"
	[[ $text == *"$1"* ]] && grep -qE '^Cert(Util|Req): -[A-Za-z]+ command FAILED: 0x[0-9a-f]{8} \((WIN32: [0-9]+|-[0-9]+)\)$' <<<"$text"
}
# As fails, where the report itself is what counts.
refuses_too() { refuses "$1" as "${@:2}"; }
# typed WORDS USER PROGRAM WORD...: as prints, at a terminal where the steps of `answers` are taken.
answers=
typed() {
	ca_lab_person "$2" && (cd "$work" && HOME=$(ca_lab_home "$2") "$here/../support/by_hand.py" "$answers
sees $1
sees command completed successfully.
ends 0
shows not $(<"$(ca_lab_pass)")" -- "$DIRCA_BIN/adcs/$3" "${@:4}")
}
# into FILE USER PROGRAM WORD...: what it prints goes there, a script without a line of certutil.
into() { as "${@:2}" >"$work/$1" 2>"$work/$1.err" && bash -n "$work/$1" && [ -s "$work/$1" ] && ! grep "^CertUtil:" "$work/$1"; }
# line SECTION KIND WORDS USER PROGRAM WORD...
line() { check "$1: ${*:5}" "$2" "$3" "${@:4}"; }


config="localhost\\$CA_NAME"
password=--out-password-file=$(ca_lab_pass)
place=.config/dirca/kra
own_place() { # USER FILE: a key in the place where who has no --kra has his keys
	ca_lab_person "$1" && (umask 077 && mkdir -p "$(ca_lab_home "$1")/$place") && install -m 600 "$2" "$(ca_lab_home "$1")/$place"
}
pass=$(<"$(ca_lab_pass)")

# ---- Binary Request Export Using the CertUtil.exe Command-Line Tool Walkthrough ----
here_is='Binary Request Export Using the CertUtil.exe Command-Line Tool Walkthrough'
# shellcheck disable=SC2016 # $Windows NT$ is what stands there
inf() { # FILE TEMPLATE [LINE...]: the paper's, with further lines of [NewRequest]
	printf '%s\r\n' '[Version]' 'Signature= "$Windows NT$"' '[NewRequest]' 'Subject = "CN=Test Subject"' 'KeySpec = 1' \
		'Exportable = FALSE' "${@:3}" '[RequestAttributes]' "CertificateTemplate = $2" >"$work/$1"
}
inf CertificateRequest.inf EFSArchive 'PrivateKeyArchive = TRUE'
answers="sees Password for the key
types $pass
sees Again:
types $pass"
line "$here_is" typed 'CertificateRequest.req written' user1 Certreq –new CertificateRequest.inf CertificateRequest.req
line "$here_is" prints 'KeyArchival.rsp written' user1 certreq -submit CertificateRequest.req KeyArchival.cer KeyArchival.p7b KeyArchival.rsp
cp "$work"/CertificateRequest.req.key* "$work/KeyArchival.rsp" "$work/KeyArchival.cer" "$dir"
answers="sees Password
types $pass"
line "$here_is" typed 'Private key archived: yes' user1 certreq -accept KeyArchival.rsp
request_type() { [ "$(openssl asn1parse -in "$work/CertificateRequest.req" | grep -c ':1.3.6.1.4.1.311.21.13$')" = 1 ]; }
check "the request carries the key, encrypted" request_type
chain_is() { [ "$(openssl pkcs7 -in "$1" -print_certs | grep -c '^subject')" = "$2" ]; }
check "the chain has certificate and CA" chain_is "$work/KeyArchival.p7b" 2
check "openssl reads the response" openssl cms -cmsout -in "$work/KeyArchival.rsp" -inform PEM -noout
same_certificate() { openssl x509 -in "$1" -outform DER | cmp - <(ca_lab_certificate_of "$2" | openssl x509 -outform DER); }
check "the certificate is that of the PKCS#12" same_certificate "$work/KeyArchival.cer" "$work/CertificateRequest.pfx"
gone() { ! ls "$work"/CertificateRequest.req.key*; }
check "nothing is kept twice" gone
serial=$(ca_lab_serial_of "$work/CertificateRequest.pfx")
inf before.inf EFSArchive 'PrivateKeyArchive = TRUE'
line "$here_is" prints 'before.req written' user1 CertReq -config "$config" -new before.inf before.req "$password"
line "$here_is" prints 'after.req written' user1 CertReq -new -config "$config" before.inf after.req "$password"
line "$here_is" prints 'before.cer written' user1 certreq -config "$config" -submit before.req before.cer
line "$here_is" prints 'after.cer written' user1 certreq -submit -config "$config" after.req after.cer

# ---- what somebody makes of the answer ----
kept_is_back() { cp "$dir"/CertificateRequest.req.key* "$work"; }
accepts() { as user1 certreq -accept "$@" "$password"; }
refused() { # CODE FILE [WORD...]: and neither a PKCS#12 is written nor the key lost
	rm -f "$work/CertificateRequest.pfx"
	refuses "$1" accepts "${@:2}" && [ ! -e "$work/CertificateRequest.pfx" ] && [ -e "$work/CertificateRequest.req.key" ]
}
tampered() { # NUMBER FILE: the response with another hash in the attribute 1.3.6.1.4.1.311.21.NUMBER
	openssl asn1parse -in "$dir/KeyArchival.rsp" -noout -out "$dir/rsp.der" &&
		python3 -c 'import sys
der, oid = bytearray(open(sys.argv[1], "rb").read()), bytes.fromhex("06092b06010401823715") + bytes([int(sys.argv[2])])
at = der.index(oid) + len(oid)
assert der[at] == 0x31 and der[at + 2] == 4
der[at + 4] ^= 1
open(sys.argv[3], "wb").write(der)' "$dir/rsp.der" "$@"
}
check "the kept key again" kept_is_back
check "another hash of the certificate (21.17)" tampered 17 "$work/hash.rsp"
check "is refused" refused 'no certificate with the hash' hash.rsp
check "another hash of the encrypted key (21.21)" tampered 21 "$work/key.rsp"
check "is refused too, for the CA signed the other" refused 0x80090006 key.rsp
check "a certificate alone is no answer to it" refused 0x80091004 ../KeyArchival.cer --key-file=CertificateRequest.req.key
check "the answer to another request" as user1 certreq -submit before.req b.cer b.p7b b.rsp
check "neither" refused "about another request" b.rsp --key-file=CertificateRequest.req.key
check "a password that is not the key's" refuses 'FAILED' as user1 certreq -accept ../KeyArchival.rsp --key-file=CertificateRequest.req.key \
	--out-password-file="$(lab_password_file user1)"
check "the true one is accepted still" prints 'Private key archived: yes' user1 certreq -accept ../KeyArchival.rsp new.pfx \
	--key-file=CertificateRequest.req.key "$password"
check "an answer for a key that is not here" refuses 'no key in' accepts KeyArchival.rsp

# ---- what the INF file asks for ----
check "without archival the template refuses" inf plain.inf EFSArchive
check "before there is a key" fails 'PrivateKeyArchive = TRUE' user1 certreq -new plain.inf plain.req "$password"
check "archival without a template that does it" inf user.inf User 'PrivateKeyArchive = TRUE'
check "neither" fails 'archives no keys' user1 certreq -new user.inf user.req "$password"
nothing_left() { ! ls "$work"/plain.req* "$work"/user.req*; }
check "and leaves nothing" nothing_left
inf kra.inf KeyRecoveryAgent 'KeyLength = 2048' 'MachineKeySet = FALSE'
check "a PKCS#10 by the template" prints 'kra.req written' kra1 certreq -new kra.inf kra.req "$password"
pending() { id=$(as kra1 certreq -submit kra.req kra.cer --json 2>/dev/null | jq -e 'select(.disposition == "pending").request_id'); }
check "waits" pending
check "so that nothing is written" test ! -e "$work/kra.cer"
check "nor retrieved" fails 'still waits' kra1 certreq -retrieve "$id" kra.cer
check "until it is approved" ca_lab_as officer1 approve "$id"
check "and is retrieved" prints 'kra.p7b written' kra1 certreq -retrieve "$id" kra.cer kra.p7b
check "and joined with its key" prints 'Private key archived: no' kra1 certreq -accept kra.p7b "$password"
check "in the PKCS#12" same_certificate "$work/kra.cer" "$work/kra.pfx"

touch "$work/again.req.key"
check "a key of that name is not replaced" refuses 'again.req.key exists' as kra1 certreq -new kra.inf again.req "$password"
check "nor a file of the answer, for which nothing is sent" refuses 'kra.p7b exists' as user1 certreq -submit before.req once.cer kra.p7b
check "and the others are not there" test ! -e "$work/once.cer" -a ! -e "$work/again.req" -a ! -s "$work/again.req.key"

# ---- the other lines ----
line 'Understanding the Archival Process' prints 'CNGEncryptionAlgorithm' caadmin certutil -setreg 'CA\EncryptionCSP\CNGEncryptionAlgorithm' AES
line 'Understanding the Archival Process' prints 'SymmetricKeySize' caadmin certutil -setreg 'CA\EncryptionCSP\SymmetricKeySize' 256
line 'Key Encryption' prints 'CNGEncryptionAlgorithm' caadmin certutil -setreg 'CA\EncryptionCSP\CNGEncryptionAlgorithm' AES
line 'Key Encryption' prints 'SymmetricKeySize' caadmin certutil -setreg 'CA\EncryptionCSP\SymmetricKeySize' 256
line 'CA Exchange Certificate Generation' prints 'CRLFlags' caadmin certutil –setreg 'ca\CRLFlags' +CRLF_USE_XCHG_CERT_TEMPLATE
line 'Configuring the CA to Allow Key Archival' fails 'role_separation of dircad.conf' caadmin certutil -setreg 'ca\RoleSeparationEnabled' 1
line 'Foreign Certificate Import' fails 'kra_flags of dircad.conf' caadmin certutil –setreg 'ca\KRAFlags' +KRAF_ENABLEFOREIGN
line 'Certification Authority CSP Not Supported for Key Archival Functions' prints "Provider = " \
	caadmin Certutil –getreg 'ca\EncryptionCSP\Provider'

line 'Finding Recovery Candidates by Using Command-Line Tools' fails 'Ambiguous name.' officer1 Certutil -getkey user1 outputblob
check "which lists them" refuses "Serial Number: ${serial,,}" as officer1 certutil -getkey user1
check "a user with one key" ca_lab_enroll user2 EFSArchive "$dir/user2.pfx"
line 'Finding Recovery Candidates by Using Command-Line Tools' prints 'Recovery blob written' officer1 Certutil -getkey user2 one.rec
for token in User2@nwtraders.com 'nwtraders\user2' 'Users\user2' User2 "$(ca_lab_serial_of "$dir/user2.pfx")" \
	"$(ca_lab_certificate_of "$dir/user2.pfx" | openssl x509 -outform DER | sha1sum | cut -c1-40)"; do
	check "by $token too" prints 'Recipient Info[0]:' officer1 certutil -getkey "$token"
done
line 'Retrieving the Key BLOB from the CA Database' prints 'Recipient Info[0]:' officer1 certutil –getkey "$serial" outputblob
line 'CA Officer Does Not Have a KRA Certificate' prints 'CN=kra1' officer1 certutil.exe –getkey "$serial"
line 'Recovery BLOB Structure' prints 'Recovery blob written' officer1 certutil –getkey "$serial" structure.rec
line 'Recovery Batch File' prints 'Recovery blob written' officer1 CertUtil -GetKey "$serial" RecoveryBlobOutFile
line 'Recovery Batch File' prints 'Recovery blob written' officer1 CertUtil -config "$config" -getkey "$serial" "user1-$serial.rec"
line 'Appendix C: Useful Commands' prints 'Recipient Info[0]:' officer1 certutil –getkey "$serial"

# ---- the KRA, whose key is where his keys are ----
check "a KRA's own place" own_place kra1 "$dir/kra1.pfx"
mkdir "$(ca_lab_home kra1)/.config/dirca/trusted-cas" && cp "$CA_STATE/ca.crt" "$(ca_lab_home kra1)/.config/dirca/trusted-cas"
cp "$work/outputblob" "$work/user.pfx"
# shellcheck disable=SC1110 # the quotes of a word processor
line 'Retrieving the Key BLOB from the CA Database' prints 'CN=kra1' kra1 certutil –csp “Microsoft Software Key Storage Provider” –recoverkey user.pfx
rm "$work/user.pfx"
line 'Recovery BLOB Structure' prints 'CN=kra1' kra1 certutil -recoverkey outputblob
check "which is no success for who does not trust the CA" fails 'not in order' user2 certutil -recoverkey outputblob
check "whose hashes are verified, unopened" prints 'a CA that you trust signed it' kra1 certutil -verifykeys outputblob
check "not for who does not trust the CA" refuses_too 'none of the CAs that you trust' user2 certutil -verifykeys outputblob
spoiled() { cp "$work/outputblob" "$work/spoiled" && damage "$work/spoiled" -9; }
check "of one whose signature was changed" spoiled
check "neither" fails 'recovery blob: ' kra1 certutil -verifykeys spoiled

# ---- the layout: each line, with marks for what differs from day to day ----
marked() {
	sed -E 's/[0-9a-f]{2}( [0-9a-f]{2}){19}/HASH/; s/ [0-9a-f]{20,40}$/ SERIAL/; s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC/WHEN/
		s/S-1-5-21-[0-9-]+/SID/; s/^(  (Request Id|Audit Row|Recovery Case): )[0-9]+/\1NUMBER/'
}
has_layout() { # COMMAND...: what standard input says, on standard output
	"$@" 2>"$dir/layout.err" | marked | diff -u "$dir/layout" - || { cat "$dir/layout.err"; return 1; }
}
kra1_is="  Serial Number: SERIAL
  Subject: CN=kra1, CN=Users, DC=nwtraders, DC=com
  Issuer: CN=$CA_NAME
  Subject Alternative Name: UPN:kra1@nwtraders.com
  NotBefore: WHEN
  NotAfter: WHEN
  Cert Hash(sha1): HASH"
candidate="  Serial Number: SERIAL
  Subject: CN=user1, CN=Users, DC=nwtraders, DC=com
  UPN:user1@nwtraders.com
  NotBefore: WHEN
  NotAfter: WHEN
  Template: EFSArchive
  Version: 3
  Cert Hash(sha1): HASH
"
printf '%s\n' '' "\"$config\"" "$candidate" "$candidate" "$candidate" >"$dir/layout"
check "candidates" has_layout as officer1 certutil -getkey user1
printf '%s\n' '' "\"$config\"" "$candidate" 'Recipient Info[0]:' "$(grep -v 'Alternative\|WHEN' <<<"$kra1_is")" 'CertUtil: -GetKey command completed successfully.' >"$dir/layout"
check "one of them, and who opens it" has_layout as officer1 certutil -getkey "$serial"
cat >"$dir/layout" <<END
Recovery BLOB of:
  Serial Number: SERIAL
  Subject: CN=user1, CN=Users, DC=nwtraders, DC=com
  Issuer: CN=$CA_NAME
  Subject Alternative Name: UPN:user1@nwtraders.com
  NotBefore: WHEN
  NotAfter: WHEN
  Cert Hash(sha1): HASH
Signed by:
  Serial Number: SERIAL
  Subject: CN=$CA_NAME
  Issuer: CN=$CA_NAME
  NotBefore: WHEN
  NotAfter: WHEN
  Cert Hash(sha1): HASH
Retrieved by:
  Officer: NWTRADERS\officer1 (SID)
  Request Id: NUMBER
  Audit Row: NUMBER
  Time: WHEN
  Recovery Case: NUMBER, by itself, without a ticket
Archived as: AES-256-CBC
Recipient Info[0]:
$kra1_is
The signature verifies, and is of a CA that you trust.
CertUtil: -RecoverKey command completed successfully.
END
check "a BLOB" has_layout as kra1 certutil -recoverkey outputblob
answers="sees Password of $(ca_lab_home kra1)/$place/kra1.pfx:
types $pass
sees Password for the user's file:
types $pass
sees Again:
types $pass"
line 'Retrieving the Key BLOB from the CA Database' typed 'user.pfx written' kra1 Certutil  -recoverkey  outputblob  user.pfx
answers=${answers#*$'\n'*$'\n'}
ca_lab_key_of "$dir/kra1.pfx" >"$dir/kra1.pem" && ca_lab_certificate_of "$dir/kra1.pfx" >>"$dir/kra1.pem"
rm "$(ca_lab_home kra1)/$place/kra1.pfx"
cat "$CA_STATE/ca.crt" >>"$dir/kra1.pem" && rm -r "$(ca_lab_home kra1)/.config/dirca/trusted-cas"
check "a key without a password there" own_place kra1 "$dir/kra1.pem"
check "beside which the CA is that he trusts" prints 'of a CA that you trust' kra1 certutil -recoverkey outputblob
line 'Appendix C: Useful Commands' typed 'user2.pfx written' kra1 certutil –recoverkey one.rec user2.pfx
line 'Recovery Batch File' prints ".p12 written" kra1 CertUtil -p "UQcYLsJ(57s]FuBl" -recoverkey -user "user1-$serial.rec" "user1-$serial.p12"
opens() { openssl pkcs12 -in "$work/$1" -passin "pass:$2" -nodes -nocerts | openssl pkey -pubout | cmp - <(openssl x509 -in "$dir/KeyArchival.cer" -pubkey -noout); }
second=$(openssl x509 -in "$work/before.cer" -noout -serial | cut -d= -f2)
check "another key" as officer1 certutil -getkey "$second" second.rec
check "is opened" as kra1 certutil -p "UQcYLsJ(57s]FuBl" -recoverkey second.rec second.p12
line 'Recovery Batch File' prints '2 private keys' kra1 CertUtil -p "UQcYLsJ(57s]FuBl,iG1-bOt&tqdvJiu1" -MergePFX -user \
	"user1-$serial.p12,second.p12" user1.p12
has_keys() { [ "$(openssl pkcs12 -in "$work/$1" -passin "pass:$2" -nodes -nocerts | grep -c 'BEGIN PRIVATE')" = "$3" ]; }
check "both under the last password" has_keys user1.p12 "iG1-bOt&tqdvJiu1" 2
check "whose password is that of the line" opens "user1-$serial.p12" "UQcYLsJ(57s]FuBl"
line 'Appendix C: Useful Commands' prints '2 private keys' kra1 certutil -p "UQcYLsJ(57s]FuBl,merged-secret" –MergePFX \
	"user1-$serial.p12,second.p12" merged.pfx
rm "$work/user1.p12"
line 'Recovery Batch File' into myBatchfile.bat officer1 certutil -v -getkey user1@nwtraders.com
check "who is an agent too" own_place officer1 "$dir/kra1.pem"
batch() {
	(cd "$work" && HOME=$(ca_lab_home officer1) DIRCA=$DIRCA_BIN/dirca TMPDIR=$dir sh myBatchfile.bat --ca="$CA_STATE/ca.crt") >"$work/said" 2>&1 ||
		{ cat "$work/said"; return 1; }
	has_keys user1.p12 "$(sed -n 's/^PASSWORD: "\(.*\)"$/\1/p' "$work/said")" 3
}
check "runs it, and has all keys" batch
line 'Setting the Timeout Option for Recovery Commands' prints 'slow.pfx written' kra1 certutil –recoverkey –t 60000 "$password" outputblob slow.pfx
answers="sees Password of user.pfx:
types $pass"
line 'Importing Recovered Keys' typed '.pem' user1 certutil –user –importPFX user.pfx
in_folder() { openssl pkey -in "$(ls "$(ca_lab_home user1)"/.local/share/dirca/keys/*.pem)" -pubout | cmp - <(openssl x509 -in "$dir/KeyArchival.cer" -pubkey -noout); }
check "which is in the user's folder" in_folder
# ---- a renewal, as certreq's files say it ----
renewed=$(openssl x509 -in "$dir/KeyArchival.cer" -noout -fingerprint -sha1 | cut -d= -f2)
check "one of a certificate that is nowhere" inf nowhere.inf EFSArchive 'PrivateKeyArchive = TRUE' "RenewalCert = ${renewed//[0-9A-F]/0}"
check "is none" fails 'has no key' user1 certreq -new nowhere.inf nowhere.req "$password"
check "one of a certificate that is in the user's folder" inf renew.inf EFSArchive 'PrivateKeyArchive = TRUE' 'RequestType = PKCS7' \
	"RenewalCert = $renewed"
check "is made" prints 'renew.req written' user1 certreq -new renew.inf renew.req "$password"
check "and sent" prints 'renew.rsp written' user1 certreq -submit renew.req renew.cer renew.p7b renew.rsp
check "as a renewal" is 2 sqlite3 "$CA_STATE/dirca.db" "SELECT RequestFlags & 2 FROM Request WHERE RequestID = (SELECT max(RequestID) FROM Request)"
check "and is joined with its key" prints 'Private key archived: yes' user1 certreq -accept renew.rsp "$password"
# shellcheck disable=SC1110 # the quotes of a word processor
line 'Importing Recovered Keys' prints '.pem' user1 certutil –CSP “Microsoft Software Key Storage Provider” –importPFX user.pfx \
	--password-file="$(ca_lab_pass)" --folder="$dir/keys"
line 'Appendix C: Useful Commands' prints '.pem' user1 certutil -f –ImportPFX –User –csp "Microsoft Software Key Storage Provider" user.pfx \
	--password-file="$(ca_lab_pass)"
exported() { # FILE: a key of nobody's CA
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/foreign.key" -out "$dir/foreign.crt" -days 9 -subj /CN=user2 \
		-addext subjectAltName=email:user2@nwtraders.com -addext basicConstraints=critical,CA:FALSE 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/foreign.crt" -inkey "$dir/foreign.key" -passout "file:$(ca_lab_pass)" -out "$work/$1"
}
check "keys are imported to a certificate" ca_lab_as caadmin import certificate new
line 'Importing a Key Manually on a CA' typed 'Users: ' officer1 CertUtil.exe –f –importKMS user.pfx
check "keys of another CA" exported foreign.pfx
once() { [ "$(as officer1 certutil -p "$pass" -f -importkms user.pfx | grep -c completed)" = 1 ]; }
check "again, and says so once" once
answers="sees Password
types $pass"
# shellcheck disable=SC1112 # the apostrophe of a word processor
line 'Importing Users’ Keys' typed 'Keys archived before: 1' officer1 CertUtil.exe –f –importkms user.pfx
line 'Foreign Certificate Import' refuses_too 'Invalid Signature' officer1 Certutil.exe –f –importKMS foreign.pfx --source-password-file="$(ca_lab_pass)"
printf '[Entrust Profile]\r\nVersion=1\r\n' >"$work/user.epf"
line 'Appendix C: Useful Commands' refuses_too 'format is not published' officer1 certutil –ImportKMS user.epf
line 'Appendix C: Useful Commands' prints 'works with the public one' user1 certutil –verifykeys -p "$pass" user.pfx
line 'Appendix C: Useful Commands' prints 'of which something is wrong with 0' officer1 certutil –verifykeys --config="$DIRCAD_CONF"
line "$here_is" prints '1.3.6.1.4.1.311.21.13' user1 Certutil –privatekey –dump CertificateRequest.req
line "$here_is" prints 'Encrypted key hash' user1 Certutil –privatekey –dump KeyArchival.rsp
line 'Missing KRA Certificate in the CA Registry' fails '0x80092004 (-2146885628)' officer1 certutil -getkey "1b 4a b7 1e 00 00 00 00 00 1d"
line 'CA Officer Does Not Have a KRA Certificate' prints 'cn=KRA' officer1 Certutil.exe –DS – v
line 'Approving the Request' prints 'CN=kra1' caadmin certutil -viewstore KRA
line 'Approving the Request' prints 'CN=kra1' caadmin certutil -viewstore \
	"ldap:///CN=$CA_NAME,CN=KRA,CN=Public Key Services,CN=Services,CN=Configuration,$LAB_BASE_DN"
line 'Appendix C: Useful Commands' fails 'format of *.epf is not published' user1 certutil –ConvertEPF a.pfx b.epf
line 'Appendix C: Useful Commands' fails 'format of *.epf is not published' user1 certutil –ConvertEPF –cast 64 a.pfx,b.epf c.epf
line 'Appendix C: Useful Commands' fails 'no windows to suppress' user1 certutil –silent –recoverkey outputblob silent.pfx
line 'Appendix C: Useful Commands' fails 'has no providers of Windows' kra1 certutil -csp "Microsoft Base Smart Card Crypto Provider" \
	–recoverkey outputblob card.pfx
checks_end
