#!/usr/bin/env bash
# A CA of AD CS moves here as docs/FROM-ADCS.md says, whose commands are run: what `certutil -backupKey` and `certutil -view` wrote is taken
# over, and the directory object with it.
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
			keyUsage = critical,digitalSignature,keyEncipherment
			extendedKeyUsage = clientAuth,emailProtection
			subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user1@nwtraders.com
			[user2]
			[user3]
			[user4]
			extendedKeyUsage = clientAuth
			subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user4@nwtraders.com
			[user4-undated]
			extendedKeyUsage = clientAuth
			subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user4@nwtraders.com
			[kra1]
			keyUsage = critical,keyEncipherment
			extendedKeyUsage = 1.3.6.1.4.1.311.21.6
		END
		openssl req -x509 -newkey rsa:2048 -sha1 -nodes -keyout ca.key -out ca.crt -days 900 -config ca.cnf -extensions x \
			-subj "/DC=com/DC=nwtraders/CN=$CA_NAME" &&
			: >index && echo 37 >number && echo 6100AB >serial &&
			issue kra1 && issue user1 && issue user2 && issue user3 && issue user4 && issue user4-undated && openssl ca -config ca.cnf -revoke user2.crt -crl_reason keyCompromise &&
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

check "a directory" ca_lab_prepare "$dir" scram "NWTraders CA"
[ "$CHECKS_BAD" -eq 0 ] && check "the old CA" make_old_ca
[ "$CHECKS_BAD" -eq 0 ] && check "stands in the directory" publish_old_ca
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }

# ---- which CA is taken over, and which is not ----
pass=(--pfx-password-file "$(ca_lab_pass)")
printf 'wrong\n' >"$dir/wrong"
check "not without a CRL number" refuses DIRCA_E_USAGE init "${pass[@]}"
check "nor with a kind of key" refuses DIRCA_E_USAGE init "${pass[@]}" --crl "$old/ca.crl" --key p256
check "nor with another password" refuses "password is wrong" init --pfx-password-file "$dir/wrong" --crl "$old/ca.crl"
check "nothing is there yet" test ! -e "$CA_STATE"
held_back() { # dircad tries again and again; another revoked certificate is not the one that the CRL names
	init "${pass[@]}" --crl "$old/ca.crl" || return 1
	certutil other.csv "id=9;disposition=21;requester=NWTRADERS\\user3;cert=user3.crt;revoked=$(($(date +%s) - 3600));reason=1" &&
		import "$old/other.csv" --dates mdy || return 1
	"$DIRCA_BIN/dircad" -c "$DIRCAD_CONF" </dev/null >>"$dir/dircad.log" 2>&1 &
	echo $! >"$dir/dircad.pid"
	ca_lab_eventually grep -q 'name 1 certificates, of which 1 are not revoked .*serial number 6100ad .*dirca import adcs' "$dir/dircad.log"
	local status=$?
	ca_lab_dircad_stop
	mv "$CA_STATE" "$dir/held"
	return $status
}
check "it does not start before what it revoked is there" held_back

# ---- docs/FROM-ADCS.md ----
now=$(date +%s)
kra="id=4;disposition=20;requester=NWTRADERS\\kra1;template=KeyRecoveryAgent;cert=kra1.crt"
user1="id=7;disposition=20;requester=NWTRADERS\\user1;template=EFSArchive;upn=user1@nwtraders.com;submitted=$now;cert=user1.crt;key=user1.p7;hashes=$(sha1_of "$old/kra1.crt")"
user2="id=8;disposition=21;requester=NWTRADERS\\user2;template=User;cert=user2.crt;revoked=$((now - 3600));reason=1"
user3="id=9;disposition=20;requester=NWTRADERS\\user3;template=User;cert=user3.crt;request=user3.csr;attributes=CertificateTemplate:User"
user4="id=11;disposition=20;requester=NWTRADERS\\user4;template=User;upn=user4@nwtraders.com;submitted=$now;cert=user4.crt"
undated="id=12;disposition=20;requester=NWTRADERS\\user4;template=User;upn=user4@nwtraders.com;cert=user4-undated.crt"
denied="id=10;disposition=31;requester=NWTRADERS\\user4"
certutil all.csv "$kra" "$user1" "$user2" "$user3" "$denied"
certutil later.csv "$user1" "$user2" "${user3/=20;/=21;};revoked=$((now - 60));reason=4" "$user4" "$undated" "$denied"
cp "$(ca_lab_pass)" "$old/password"
{ # for the page's shell
	# shellcheck disable=SC2046 # names
	declare -p DIRCA_BIN DIRCAD_CONF CHECKS_DIR $(compgen -v | grep -E '^(CA_|LAB|LDAP)' | grep -vx CA_LAB_DN)
	declare -A
	declare -f
	cat <<-'END'
		dirca() {
			case $1 in
			getkey) ca_lab_as officer1 "$@" ;;
			audit) ca_lab_as auditor "$@" ;;
			*) ca_lab_as caadmin "$@" ;;
			esac
		}
		sudo() {
			case "$1 $2" in
			"dirca "*) "$DIRCA_BIN/dirca" "${@:2}" -c "$DIRCAD_CONF" ;;
			"systemctl start") ca_lab_dircad_start ;;
			"systemctl restart") ca_lab_dircad_stop && ca_lab_dircad_start ;;
			*) "$@" ;;
			esac
		}
	END
} >"$dir/page.sh"
page() { BASH_ENV=$dir/page.sh python3 "$here/../support/console.py" "$here/../../docs/FROM-ADCS.md" "/root/move=$old" "/etc/dirca/dircad.conf=$DIRCAD_CONF"; }
check "what docs/FROM-ADCS.md shows is true" page
check "the certificate is the same" cmp "$CA_STATE/ca.crt" "$old/ca.crt"
check "it is not taken over twice" refuses ERROR_FILE_EXISTS init "${pass[@]}" --crl "$old/ca.crl"
check "the directory's object issues the templates that it issued" test "$(service certificateTemplates)" = $'EFSArchive\nKeyRecoveryAgent'
check "and names the new host" test "$(service dNSHostName)" = localhost
check "its flags stay" test "$(service flags)" = 10
check "the CA is ready" ca_lab_eventually ca_lab_is_ready
check "and of CA version 1.1" ca_lab_status '[.certificates[] | [.certificate_index, .key_index]] == [[1,1]]'
is_signed() { crl .crl -CAfile "$old/ca.crt" 2>&1 | grep -q 'verify OK'; }
check "it signs CRLs with the old key" is_signed
check "whose numbers went on" grep -q 'crlNumber=0x3A' <(crl .crl -crlnumber)
check "and which name what was revoked, before and since" test "$(crl .crl -text | grep -c 'Serial Number: 6100A[DE]')" -eq 2
old_place() {
	lab_admin ldapsearch -LLL -o ldif-wrap=no -s base certificateRevocationList \
		-b "CN=$CA_NAME(1),CN=old-ca,CN=CDP,CN=Public Key Services,CN=Services,$LDAP_CONFIG_BASE" |
		sed -n 's/^certificateRevocationList[^:]*:: //p' | base64 -d | cmp - "$dir/new.crl"
}
check "also where old certificates look for them" ca_lab_eventually old_place
id_of() { ca_lab_as caadmin requests --all --json | jq -e --arg n "$1" --arg s "$2" '.[] | select(.request_id == ($n | tonumber)) | .serial_number == $s'; }
check "requests have the numbers that they had" id_of 7 6100ac
exported() {
	rm -f "$dir/exported" && ca_lab_as caadmin request export "$1" "$dir/exported" && "$DIRCA_BIN/dirca" dump "$dir/exported"
}
as_it_was() { exported 9 && cmp "$dir/exported" <(openssl req -in "$old/user3.csr" -outform DER); }
retrieved() { ca_lab_as officer1 retrieve 9 "$dir/user3.pem" && cmp <(openssl x509 -in "$dir/user3.pem") <(openssl x509 -in "$old/user3.crt"); }
check "a request is as it was" as_it_was
check "and is read" says "CN=user3" exported 9
check "which no answer is made of" retrieved
check "what it came with is shown" says "asked: CertificateTemplate:User" ca_lab_as caadmin request show 9
check "one that did not come with it is not there" refuses CERTSRV_E_PROPERTY_EMPTY exported 8
check "and say where they are from" says "Imported from AD CS, request 7" ca_lab_as caadmin requests --all --json
check "the audit trail says who brought them" says "sha256=$(sha256sum <"$old/all.csv" | cut -c1-64)" ca_lab_as auditor audit log --event imported
recovers() {
	openssl pkcs12 -export -inkey "$old/kra1.key" -in "$old/kra1.crt" -certfile "$old/ca.crt" -passout "file:$(ca_lab_pass)" -out "$dir/kra1.pfx" &&
		"$DIRCA_BIN/dirca" recoverkey "$1" "$1.pfx" --kra "$dir/kra1.pfx" --kra-password-file "$(ca_lab_pass)" \
			--out-password-file "$(ca_lab_pass)" && ca_lab_key_of "$1.pfx"
}
is_key_of() { [ "$(recovers "$1" | sed -n '/BEGIN/,$p')" = "$(openssl pkey -in "$old/user1.key")" ]; }
check "the key that AD CS archived is user1's" is_key_of "$old/user1.rec"
check "a new key is archived to the same agent" ca_lab_enroll user2 EFSArchive "$dir/user2.pfx"
check "under the old CA's key" openssl verify -CAfile "$old/ca.crt" <(ca_lab_certificate_of "$dir/user2.pfx")
check "another publication keeps the administrators" ca_lab_as caadmin ca publish -c "$DIRCAD_CONF"
check "who may ask still" ca_lab_status .directory_fresh

# ---- a name that is somebody else's now ----
signs_in() { # STATUS USER: with the certificate that AD CS issued, which has no SID in it
	is "$1" curl -s --cacert "$CA_STATE/ca.crt" --cert "$old/$2.crt" --key "$old/$2.key" -o /dev/null -w '%{http_code}' "$CA_URL/dirca/v1/requests"
}
another_user4() {
	local entry=$dir/user4.ldif
	lab_admin ldapsearch -LLL -o ldif-wrap=no -b "cn=user4,$CA_LAB_USERS" -s base >"$entry" && lab_admin ldapdelete "cn=user4,$CA_LAB_USERS" &&
		sleep 1 && lab_admin ldapadd <"$entry"
}
check "who has a certificate of AD CS signs in with it" ca_lab_eventually signs_in 200 user4
check "whenever it was asked for" signs_in 200 user4-undated
check "but not by a key that was handed out" signs_in 401 user1
check "user4 leaves, and another one gets the name" another_user4
check "attack: the former signs in as the new one" ca_lab_eventually signs_in 401 user4
check "attack: with one of which AD CS did not say when it was asked for" signs_in 401 user4-undated

# ---- rows that are refused ----
refused() { # SENTENCE ROW...: a file with these alone
	certutil one.csv "${@:2}" && says "$1" import "$old/one.csv" --dates mdy --dry-run
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$old/other.key" -out "$old/other.crt" -days 9 -subj "/CN=other" 2>/dev/null
(cd "$old" && archive user3 other)
check "another CA's certificate" refused "line 2, request 5: no certificate of this CA" "id=5;disposition=20;requester=N\\x;cert=other.crt"
check "one with another serial number" refused "another than the one of SerialNumber" "${user1/cert=user1/serial=1a;cert=user1}"
check "hashes that are none" refused "SHA-1 hashes are wanted" "${user1/hashes=/hashes=00 }"
check "a key that others can open than the row says" refused "KeyRecoveryHashes does not name" "${user1%hashes*}hashes=$(sha1_of "$old/other.crt")"
check "or who knows who" refused "certificate is not known (serial" "$user3;key=user3.p7"
check "what is no key" refused "RawArchivedKey" "$user3;key=ca.crl"
check "a revocation without a date" refused "neither RevokedWhen" "${user2/revoked=*;/}"
check "or of tomorrow" refused "of a time to come" "${user2/revoked=*;/revoked=$((now + 90000));}"
check "a file that is not there" refuses ERROR_FILE_NOT_FOUND import "$old/nothing.csv"
check "a date whose order is not said" says "whether day or month comes first" import "$old/all.csv" --dry-run
certutil --german --utf16 german.csv "$kra" "$user2" "$user3"
check "a German Windows names its columns otherwise" refuses "--columns" import "$old/german.csv"
check "which --columns says" says "0 taken (0 with an archived key), 3 there already" import "$old/german.csv" --columns "$(certutil --names)"
checks_end
