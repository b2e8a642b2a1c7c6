#!/usr/bin/env bash
# S3, S17, S18: a broken front asks the vault for certificates that nobody may have, for a stolen key and for the end of an
# exchange key; issues without a row; and puts files where they would decide whom the CA trusts. usage: s03_s17_s18_vault.sh S03_VAULT
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"
front=$1

dir=$(mktemp -d /tmp/dirca-s03.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT
# A dircad from before the cure refuses lines that it does not know.
! grep -aq kra_minimum "$DIRCA_BIN/dircad" || CA_LAB_OPTIONS='kra_minimum = 2
'

admin() { ca_lab_as caadmin "$@"; }
compare() { "$DIRCA_BIN/dirca" audit compare -c "$DIRCAD_CONF" "$@"; }
# compared STATUS FILTER: the verb's exit status, and jq's verdict about what it says.
compared() {
	compare --json >"$dir/compare.json"
	[ $? -eq "$1" ] && cat "$dir/compare.json" && jq -e "$2" "$dir/compare.json"
}
der() { openssl x509 -in "$1" -outform DER -out "${1%.*}.der"; }
# The exchange certificate that clients get now, and the agents'.
certificates() {
	curl -sSf --cacert "$CA_STATE/ca.crt" -u "user1:$(<"$(lab_password_file user1)")" -o "$dir/xchg.der" \
		"$CA_URL/dirca/v1/exchange-certificate" && der "$dir/kra1.crt" && der "$dir/kra2.crt"
}
as_broken_front() { "$front" "$DIRCA_BIN/dircad" "$DIRCAD_CONF" "$dir/xchg.der" "$dir/kra1.der" "$dir/kra2.der"; }
# The journal allows a row some seconds.
wait_for_rows() { sleep 11; }

check "a CA with two key recovery agents" ca_lab_start "$dir"
check "its agents" ca_lab_kras 2
check "user1 has an archived key" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "control: journal and database agree" compared 0 '.agree and .signed.certificates >= 3'
check "what clients get" certificates

# What the vault would refuse is refused before it is asked, with the line of dircad.conf that allows it; and that line works.
agents() { admin template enable EnrollmentAgent && admin template grant EnrollmentAgent user1 enroll; }
agent() { ca_lab_enroll user1 EnrollmentAgent "$dir/agent.pfx"; }
refused_with_a_line() {
	refuses DIRCA_E_KIND_NOT_ALLOWED agent >"$dir/refusal" && cat "$dir/refusal" &&
		sed -n "s/.*'\\(sign_kinds = [^']*\\)'.*/\\1/p" "$dir/refusal" >"$dir/line" && [ -s "$dir/line" ]
}
explained() { admin explain enroll user1 EnrollmentAgent | grep -F "$(<"$dir/line")"; }
allow() { cat "$dir/line" >>"$DIRCAD_CONF" && ca_lab_dircad_stop && ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready; }
# Neither does a CA administrator change what root demands of archived keys.
check "whom keys are sealed to is not an administrator's" refuses "dirca kra count" admin setreg 'CA\KRACertCount' 1
check "one key recovery agent alone is refused" refuses kra_minimum "$DIRCA_BIN/dirca" kra count -c "$DIRCAD_CONF" 1
check "3DES is refused" refuses "allow_3des = yes" admin setreg 'CA\EncryptionCSP\CNGEncryptionAlgorithm' 3DES
check "a template for enrollment agents" agents
check "is refused with a line of dircad.conf" ca_lab_eventually refused_with_a_line
check "explained so" explained
check "the line is written" allow
check "and works" ca_lab_eventually agent
sed -i '/^sign_kinds/d' "$DIRCAD_CONF"
check "dircad ends" ca_lab_dircad_stop
check "attack: a broken front asks the vault" as_broken_front
wait_for_rows
check "attack: what it issued without a row is named" compared 4 '[.signed_only[].number] | index("5e") != null'

# An agent of a CA of the attacker's.
stranger() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/evil.key" -out "$dir/evil.crt" -subj /CN=evil -days 30 \
		-addext keyUsage=critical,keyCertSign 2>/dev/null &&
		openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/evil-kra.key" -out "$dir/evil-kra.csr" -subj /CN=evil-kra 2>/dev/null &&
		printf 'keyUsage = critical,keyEncipherment\nextendedKeyUsage = 1.3.6.1.4.1.311.21.6\n' >"$dir/ext" &&
		openssl x509 -req -in "$dir/evil-kra.csr" -CA "$dir/evil.crt" -CAkey "$dir/evil.key" -CAcreateserial -days 20 \
			-extfile "$dir/ext" -outform DER -out "$dir/evil-kra.der" 2>/dev/null
}
seals_to_stranger() { "$front" "$DIRCA_BIN/dircad" "$DIRCAD_CONF" --stranger "$dir/evil-kra.der"; }
trust() { install -m "$1" "$dir/evil.crt" "$CA_STATE/trust/kra-issuers.pem"; }
check "a CA of the attacker's" stranger
if [ "$(id -u)" -eq 0 ]; then
	install -m 644 -o 65534 "$dir/evil.crt" "$CA_STATE/kra-issuers.pem"
	check "attack: the front names an issuer of agents in the state folder" seals_to_stranger
	rm -f "$CA_STATE/kra-issuers.pem"
	check "attack: a file of the front's in the folder of trust" install -m 644 -o 65534 "$dir/evil.crt" "$CA_STATE/trust/kra-issuers.pem"
	check "it is refused" ca_lab_refuses_to_start "belongs to user 65534"
fi
check "a file that others may write" trust 664
check "is refused" ca_lab_refuses_to_start "chmod go-w"
rm -f "$CA_STATE/trust/kra-issuers.pem"
install -m 644 "$dir/evil.crt" "$CA_STATE/chain.pem"
check "root's file where it once lay is refused by the sentence that moves it" ca_lab_refuses_to_start "mv $CA_STATE/chain.pem $CA_STATE/trust/"
rm -f "$CA_STATE/chain.pem"

# A record that was changed, and one that is gone.
changed() { damage "$CA_STATE/vault/journal" $((104 * 5 + 45)); }
gone() { { head -c $((104 * 5)) "$dir/journal" && tail -c +$((104 * 6 + 1)) "$dir/journal"; } >"$CA_STATE/vault/journal"; }
cut() { head -c $((104 * 6)) "$dir/journal" >"$CA_STATE/vault/journal"; }
broken() {
	compare >"$dir/compare.out" 2>&1
	[ $? -eq 4 ] && grep -F "$1" "$dir/compare.out"
}
check "control: the journal" cp "$CA_STATE/vault/journal" "$dir/journal"
changed
check "attack: a record that was changed is named" broken "record 6 was changed"
gone
check "attack: a record that is gone is named" broken "record 6 was changed, or one before it is missing"
cut
check "attack: a journal that was cut lacks what the database has" broken "Stored, not in the journal"
cp "$dir/journal" "$CA_STATE/vault/journal"
check "control: dircad goes on" ca_lab_dircad_start
check "and issues" ca_lab_enroll user2 EFSArchive "$dir/user2.pfx"

checks_end
