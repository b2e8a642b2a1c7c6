#!/usr/bin/env bash
# Keys on tokens (PKCS#11, SoftHSM2): the CA's, used by the vault in its sandbox, and a KRA's, who opens a recovery BLOB with it.
# The PIN comes from a file, and goes into no argument list, environment or log. usage: token.sh LIBRARY (exec_shim)
# shellcheck disable=SC2317 # the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

dir=$(mktemp -d /tmp/dirca-token.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

ca_lab_watch_programs "${1:?the library}" "$dir/programs"
module=$(find /usr/lib -name libsofthsm2.so -print -quit)
pin=4711-pin
uri() { echo "pkcs11:token=$1;object=$2;type=private?module-path=$module"; } # TOKEN OBJECT
token() { LD_PRELOAD='' softhsm2-util --init-token --free --label "$1" --pin "$pin" --so-pin 12345678; }
new_key() { LD_PRELOAD='' pkcs11-tool --module "$module" --token-label "$1" --login --pin "$pin" --keypairgen --key-type "$2" --label "$3" --id "$4"; }
# key_into TOKEN FILE OBJECT ID: the private key of a PKCS#12.
key_into() {
	ca_lab_key_of "$2" >"$dir/key.pem" && openssl pkcs8 -topk8 -nocrypt -in "$dir/key.pem" -out "$dir/key.p8" &&
		LD_PRELOAD='' softhsm2-util --import "$dir/key.p8" --token "$1" --label "$3" --id "$4" --pin "$pin"
}
recover() { # OPTION...
	"$DIRCA_BIN/dirca" recoverkey "$dir/user1.rec" "$dir/opened.pfx" --force --out-password-file "$(ca_lab_pass)" --ca "$CA_STATE/ca.crt" "$@"
}
opens() {
	recover "$@" && [ "$(ca_lab_key_of "$dir/opened.pfx")" = "$(ca_lab_key_of "$dir/user1.pfx")" ]
}
verifies() { ca_lab_certificate_of "$1" | openssl verify -no-CApath -no-CAstore -CAfile "$CA_STATE/ca.crt"; }

# The vault's files lie in its folder: those of a token in software too.
mkdir -m 711 "$dir/state" && mkdir -m 700 "$dir/state/vault" "$dir/state/vault/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$dir/state/vault/tokens" >"$dir/softhsm2.conf"
export SOFTHSM2_CONF=$dir/softhsm2.conf
(umask 077 && echo "$pin" >"$dir/pin" && echo 0000-wrong >"$dir/wrong-pin")
CA_LAB_OPTIONS="passphrase_file = $dir/pin"$'\n'

check "a token of the CA" token ca
check "and one of a KRA" token kra
check "a key" new_key ca rsa:2048 ca0 01
check "a CA with it" ca_lab_start "$dir" scram "$(uri ca ca0)"
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "the vault is in its sandbox" grep -q 'event="vault started".*sandbox=1' "$dir/dircad.log"
check "no private key lies in its file" grep -q '^pkcs11:' "$CA_STATE/vault/ca.key"
check "a key is archived" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "under the CA" verifies "$dir/user1.pfx"
check "a CRL" ca_lab_as caadmin crl
check "the BLOB is fetched" ca_lab_as officer1 getkey user1@nwtraders.com "$dir/user1.rec"

check "the KRA's key lies on a token" key_into kra "$dir/kra1.pfx" kra1 02
check "and opens the BLOB" opens --kra "$(uri kra kra1)" --kra-certificate "$dir/kra1.crt" --kra-password-file "$dir/pin"
check "not with another PIN" refuses SCARD_E_NO_SMARTCARD recover --kra "$(uri kra kra1)" --kra-certificate "$dir/kra1.crt" \
	--kra-password-file "$dir/wrong-pin"
check "not with a token that is not there" refuses SCARD_E_NO_SMARTCARD recover --kra "$(uri nobody kra1)" \
	--kra-certificate "$dir/kra1.crt" --kra-password-file "$dir/pin"
check "not without the certificate" refuses DIRCA_E_USAGE recover --kra "$(uri kra kra1)" --kra-password-file "$dir/pin"
check "not with another key of a token" refuses DIRCA_E_KEY_MISMATCH recover --kra "$(uri ca ca0)" --kra-certificate "$dir/kra1.crt" --kra-password-file "$dir/pin"

check "a second key on the token" new_key ca EC:prime256v1 ca1 03
check "the CA is stopped" ca_lab_dircad_stop
check "and renewed with it" "$DIRCA_BIN/dirca" ca renew -c "$DIRCAD_CONF" --new-key --key "$(uri ca ca1)"
check "and goes on" ca_lab_dircad_start
check "with it" ca_lab_eventually ca_lab_enroll user2 EFSArchive "$dir/user2.pfx"
check "under the CA" verifies "$dir/user2.pfx"
check "both keys sign CRLs" ca_lab_as caadmin crl

started() { grep -aqF -- "$1" "$dir/programs"; }
check "control: dircad and what it started were watched" started --role=vault
check "and dirca" started recoverkey
check "no argument list, environment or log has a PIN" ca_lab_says_nothing_of "$dir/pin" "$dir/wrong-pin"
told() { PIN=$pin /bin/true && ! ca_lab_says_nothing_of "$dir/pin"; }
check "control: one that has is found" told
checks_end
