#!/usr/bin/env bash
# A CA of AD CS moves here: what `certutil -backupKey` and `certutil -view` wrote is taken over, and the directory object with it.
# usage: adcs.sh
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-adcs.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

old=$dir/old
services="CN=Enrollment Services,CN=Public Key Services,CN=Services"

# What stood on the Windows machine: a root CA, renewed once with a new key, CA version 1.1, and its last CRL.
make_old_ca() {
	mkdir "$old" && (
		cd "$old" || exit 1
		cat >ca.cnf <<-END
			[req]
			distinguished_name = dn
			[dn]
			[x]
			basicConstraints = critical,CA:TRUE
			keyUsage = critical,digitalSignature,keyCertSign,cRLSign
			subjectKeyIdentifier = hash
			1.3.6.1.4.1.311.21.1 = DER:0203010001
			[ca]
			default_ca = c
			[c]
			database = index
			crlnumber = number
			default_md = sha256
			default_crl_days = 7
			crl_extensions = e
			certificate = ca.crt
			private_key = ca.key
			new_certs_dir = .
			serial = serial
			policy = any
			unique_subject = no
			default_days = 300
			[any]
			commonName = supplied
			[e]
			authorityKeyIdentifier = keyid
			[user1]
			subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user1@nwtraders.com
			[user2]
			[user3]
			[kra1]
			keyUsage = critical,keyEncipherment
			extendedKeyUsage = 1.3.6.1.4.1.311.21.6
		END
		openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 900 -config ca.cnf -extensions x \
			-subj "/DC=com/DC=nwtraders/CN=$CA_NAME" &&
			: >index && echo 37 >number && echo 6100AB >serial &&
			issue kra1 && issue user1 && issue user2 && issue user3 && openssl ca -config ca.cnf -revoke user2.crt -crl_reason keyCompromise &&
			new_crl && new_crl && archive user1 kra1 &&
			openssl pkcs12 -export -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -inkey ca.key -in ca.crt \
				-name "$CA_NAME" -passout "file:$(ca_lab_pass)" -out ca.p12
	)
}
issue() { # NAME: NAME.key and NAME.crt
	openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$1" -out "$1.csr" -config ca.cnf &&
		openssl ca -batch -config ca.cnf -in "$1.csr" -extensions "$1" -notext -out "$1.crt"
}
new_crl() { openssl ca -config ca.cnf -gencrl | openssl crl -outform DER -out ca.crl; }
archive() { # NAME KRA...: NAME.p7, as AD CS archives a key
	local name=$1
	shift
	openssl rsa -in "$name.key" -outform MSBLOB -out "$name.blob" 2>/dev/null &&
		openssl cms -encrypt -binary -des3 -outform DER -in "$name.blob" -out "$name.p7" "${@/%/.crt}"
}
sha1_of() { openssl x509 -in "$1" -outform DER | sha1sum | cut -c1-40 | sed 's/../& /g; s/ $//'; }
certutil() { (cd "$old" && python3 "$here/../support/certutil_csv.py" "$@"); }
import() { "$DIRCA_BIN/dirca" import adcs -c "$DIRCAD_CONF" "$@"; }
says() { # TEXT COMMAND...
	local text=$1 said
	shift
	said=$("$@" 2>&1)
	echo "$said"
	[[ $said == *"$text"* ]]
}
publish_old_ca() { # as AD CS does
	{
		printf 'dn: CN=%s,%s,%s\n' "$CA_NAME" "$services" "$LDAP_CONFIG_BASE"
		printf 'objectClass: pKIEnrollmentService\ncn: %s\ndisplayName: %s\n' "$CA_NAME" "$CA_NAME"
		printf 'dNSHostName: old-ca.nwtraders.com\nflags: 10\ncertificateTemplates: EFSArchive\ncertificateTemplates: KeyRecoveryAgent\n'
		printf 'cACertificateDN: CN=%s,DC=nwtraders,DC=com\n' "$CA_NAME"
		printf 'cACertificate;binary:: %s\n' "$(openssl x509 -in "$old/ca.crt" -outform DER | base64 -w0)"
	} | lab_admin ldapadd
}
service() { lab_admin ldapsearch -LLL -o ldif-wrap=no -b "CN=$CA_NAME,$services,$LDAP_CONFIG_BASE" -s base "$1" | sed -n "s/^$1: //p" | sort; }
init() { "$DIRCA_BIN/dirca" ca init -c "$DIRCAD_CONF" --import-pfx "$old/ca.p12" "$@"; }
crl() { curl -sf "$CA_HTTP_URL/dirca/${CA_NAME// /%20}(1)$1" >"$dir/new.crl" && openssl crl -inform DER -in "$dir/new.crl" -noout "${@:2}"; }

check "a directory" ca_lab_prepare "$dir" scram "Old CA 1"
[ "$CHECKS_BAD" -eq 0 ] && check "the old CA" make_old_ca
[ "$CHECKS_BAD" -eq 0 ] && check "stands in the directory" publish_old_ca
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- it is taken over ----
pass=(--pfx-password-file "$(ca_lab_pass)")
printf 'wrong\n' >"$dir/wrong"
check "not without a CRL number" refuses DIRCA_E_USAGE init "${pass[@]}"
check "nor with a kind of key" refuses DIRCA_E_USAGE init "${pass[@]}" --crl "$old/ca.crl" --key p256
check "nor with another password" refuses "password is wrong" init --pfx-password-file "$dir/wrong" --crl "$old/ca.crl"
check "nothing is there yet" test ! -e "$CA_STATE"
check "taken over" init "${pass[@]}" --crl "$old/ca.crl" --crl-number 3
check "the certificate is the same" cmp "$CA_STATE/ca.crt" "$old/ca.crt"
check "not twice" refuses ERROR_FILE_EXISTS init "${pass[@]}" --crl "$old/ca.crl"

# ---- what it issued, revoked and archived ----
now=$(date +%s)
kra="id=4;disposition=20;requester=NWTRADERS\\kra1;template=KeyRecoveryAgent;cert=kra1.crt"
user1="id=7;disposition=20;requester=NWTRADERS\\user1;template=EFSArchive;upn=user1@nwtraders.com;cert=user1.crt;key=user1.p7;hashes=$(sha1_of "$old/kra1.crt")"
user2="id=8;disposition=21;requester=NWTRADERS\\user2;template=User;cert=user2.crt;revoked=$((now - 3600));reason=1"
user3="id=9;disposition=20;requester=NWTRADERS\\user3;template=User;cert=user3.crt"
refused() { # SENTENCE ROW...: a file with these alone
	certutil one.csv "${@:2}" && says "$1" import "$old/one.csv" --dates mdy --dry-run
}
held_back() { # dircad tries again and again
	"$DIRCA_BIN/dircad" -c "$DIRCAD_CONF" </dev/null >>"$dir/dircad.log" 2>&1 &
	echo $! >"$dir/dircad.pid"
	ca_lab_eventually grep -q 'names 1 certificates, and the database has 0 .*dirca import adcs' "$dir/dircad.log"
	local status=$?
	ca_lab_dircad_stop
	return $status
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$old/other.key" -out "$old/other.crt" -days 9 -subj "/CN=other" 2>/dev/null
(cd "$old" && archive user3 other)
check "it does not start before what it revoked is there" held_back
check "another CA's certificate is refused" refused "line 2, request 5: no certificate of this CA" "id=5;disposition=20;requester=N\\x;cert=other.crt"
check "as is one with another serial number" refused "another than the one of SerialNumber" "${user1/cert=user1/serial=1a;cert=user1}"
check "and a key that others can open than the row says" refused "SHA-1 hashes are wanted" "${user1/hashes=/hashes=00 }"
check "or another" refused "KeyRecoveryHashes does not name" "$kra" "${user1%hashes*}hashes=$(sha1_of "$old/other.crt")"
check "or who knows who" refused "certificate is not known (serial" "$user3;key=user3.p7"
check "or no key at all" refused "RawArchivedKey" "$user3;key=ca.crl"
check "and a revocation without a date" refused "neither RevokedWhen" "${user2/revoked=*;/}"
check "or of tomorrow" refused "of a time to come" "${user2/revoked=*;/revoked=$((now + 90000));}"
certutil all.csv "$kra" "$user1" "$user2" "id=10;disposition=31;requester=N\\x"
check "a date needs its order" says "whether day or month comes first" import "$old/all.csv" --dry-run
check "a trial changes nothing" says "4 rows: 3 would be taken (1 with an archived key)" import "$old/all.csv" --dates mdy --dry-run
check "all but what was denied is taken" says "4 rows: 3 taken (1 with an archived key), 0 there already (0 of them revoked since, 0 now with their key), 1 left out" \
	import "$old/all.csv" --dates mdy
check "and once" says "0 taken (0 with an archived key), 3 there already" import "$old/all.csv" --dates mdy
certutil --german --utf16 german.csv "$kra" "$user2" "$user3" "$user3"
check "a German Windows names its columns otherwise" refuses "--columns" import "$old/german.csv"
check "which --columns says" says "1 taken (0 with an archived key), 3 there already" import "$old/german.csv" --columns "$(certutil --names)"
check "it starts" ca_lab_dircad_start
is_signed() { crl .crl -CAfile "$old/ca.crt" 2>&1 | grep -q 'verify OK'; }
check "it signs a CRL with the old CA's key" is_signed
check "whose number is the next" grep -q 'crlNumber=0x39' <(crl .crl -crlnumber)
check "and it names what was revoked" grep -q 'Serial Number: 6100AD' <(crl .crl -text)
check "it is not published without an administrator" refuses CERTSRV_E_NO_CAADMIN_DEFINED \
	ca_lab_as caadmin ca publish -c "$DIRCAD_CONF"
check "the directory object is taken over" ca_lab_publish
check "which issues the templates that it issued" test "$(service certificateTemplates)" = $'EFSArchive\nKeyRecoveryAgent'
check "and names the new host" test "$(service dNSHostName)" = localhost
check "its flags stay" test "$(service flags)" = 10
check "it is ready" ca_lab_eventually ca_lab_is_ready
check "and of CA version 1.1" ca_lab_status '[.certificates[] | [.certificate_index, .key_index]] == [[1,1]]'

# ---- and lives on ----
id_of() { ca_lab_as caadmin requests --all --json | jq -e --arg n "$1" --arg s "$2" '.[] | select(.request_id == ($n | tonumber)) | .serial_number == $s'; }
check "requests have the numbers that they had" id_of 7 6100ac
check "and say where they are from" says "Imported from AD CS, request 7" ca_lab_as caadmin requests --all --json
check "the audit trail says who brought them" says "sha256=$(sha256sum <"$old/all.csv" | cut -c1-64)" ca_lab_as auditor audit log --event imported
recovers() {
	openssl pkcs12 -export -inkey "$old/kra1.key" -in "$old/kra1.crt" -certfile "$old/ca.crt" -passout "file:$(ca_lab_pass)" -out "$dir/oldkra.pfx" &&
		ca_lab_as officer1 getkey user1@nwtraders.com "$dir/user1.rec" &&
		"$DIRCA_BIN/dirca" recoverkey "$dir/user1.rec" "$dir/opened.pfx" --kra "$dir/oldkra.pfx" --kra-password-file "$(ca_lab_pass)" \
			--out-password-file "$(ca_lab_pass)" && [ "$(ca_lab_key_of "$dir/opened.pfx")" = "$(openssl pkey -in "$old/user1.key")" ]
}
check "a key that AD CS archived is recovered by UPN" recovers
certutil later.csv "${user3/=20;/=21;};revoked=$((now - 60));reason=4"
check "what was revoked there meanwhile" says "1 there already (1 of them revoked since," import "$old/later.csv" --dates mdy
check "stands in the next CRL" ca_lab_as caadmin crl
check "beside the rest" test "$(crl .crl -text | grep -c 'Serial Number: 6100A[DE]')" -eq 2
check "KRAs of its own" ca_lab_kras 2
check "a key is archived" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "under the old CA's key" openssl verify -CAfile "$old/ca.crt" <(ca_lab_certificate_of "$dir/user1.pfx")
check "whose second publication keeps the administrators" ca_lab_as caadmin ca publish -c "$DIRCAD_CONF"
check "who may ask still" ca_lab_status .directory_fresh
checks_end
