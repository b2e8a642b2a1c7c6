#!/usr/bin/env bash
# Keys on tokens (PKCS#11, SoftHSM2): the CA's and that of its exchange certificates, used by the vault in its sandbox, and a KRA's, who
# opens a recovery BLOB with it. The PIN comes from a file, and goes into no argument list, environment or log. The paper's events 86 to 88.
# usage: token.sh LIBRARY LIBRARY LIBRARY (exec_shim, keygen_shim, p11_shim)
# shellcheck disable=SC2317,SC2016 # the functions are called through check, and eval expands what it is given
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
# What the CA and a KRA use stands before it and can be told to fail.
shim=${3:?the PKCS#11 module}
export P11_SHIM_MODULE=$module P11_SHIM_FOLDER=$dir/state/vault
pin=4711-pin xchg_pin=4712-pin
uri() { echo "pkcs11:token=$1;object=$2;type=private?module-path=$shim"; } # TOKEN OBJECT
pin_of() { case $1 in xchg) echo "$xchg_pin" ;; *) echo "$pin" ;; esac; }
token() { LD_PRELOAD='' softhsm2-util --init-token --free --label "$1" --pin "$(pin_of "$1")" --so-pin 12345678; }
on_token() { LD_PRELOAD='' pkcs11-tool --module "$module" --token-label "$1" --login --pin "$(pin_of "$1")" "${@:2}"; }
new_key() { on_token "$1" --keypairgen --key-type "$2" --label "$3" --id "$4" "${@:5}"; }
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
(umask 077 && echo "$pin" >"$dir/pin" && echo "$xchg_pin" >"$dir/xchg-pin" && echo 0000-wrong >"$dir/wrong-pin")
CA_LAB_OPTIONS="passphrase_file = $dir/pin"$'\n'"exchange_key_uri = $(uri xchg x0)&pin-source=file:$dir/xchg-pin"$'\n'
admin() { ca_lab_as caadmin "$@"; }

check "a token of the CA" token ca
check "and one of a KRA" token kra
check "and one of exchange keys" token xchg
check "a key" new_key ca rsa:2048 ca0 01
openssl genrsa -out "$dir/x0.pem" 3072 2>/dev/null && openssl pkcs8 -topk8 -nocrypt -in "$dir/x0.pem" -out "$dir/x0.p8"
import_x0() { LD_PRELOAD='' softhsm2-util --import "$dir/x0.p8" --token xchg --label x0 --id 0a --pin "$xchg_pin"; }
remove_x0() { # both halves: the engine finds a key by either
	on_token xchg --delete-object --type privkey --label x0 && on_token xchg --delete-object --type pubkey --label x0
}
check "another, made elsewhere, for exchange certificates" import_x0
check "and two on curves" eval 'new_key xchg EC:secp384r1 x1 0b --usage-derive && new_key xchg EC:secp384r1 x2 0c --usage-sign'
# Its first certificate cannot be written down.
in_the_way=$dir/state/vault/xchg-$(openssl rsa -in "$dir/x0.pem" -RSAPublicKey_out -outform DER 2>/dev/null | sha1sum | cut -c1-40).crt
mkdir "$in_the_way"
check "a CA with it" ca_lab_start "$dir" scram "$(uri ca ca0)"
[ "$CHECKS_BAD" -eq 0 ] && check "a KRA" ca_lab_kras 1
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "no exchange certificate is made that cannot be written down" refuses ERROR_FILE_EXISTS admin ca exchange renew
check "and one is made when it can" eval 'rmdir "$in_the_way" && ca_lab_eventually admin ca exchange renew'
check "the vault is in its sandbox" grep -q 'event="vault started".*sandbox=1' "$dir/dircad.log"
check "no private key lies in its file" grep -q '^pkcs11:' "$CA_STATE/vault/ca.key"
asked() { stat -c %s "$dir/state/vault/asked"; }
before=$(asked)
check "a key is archived" ca_lab_enroll user1 EFSArchive "$dir/user1.pfx"
check "with random numbers of the CA key's token" eval '[ "$(asked)" -gt "$before" ]'
check "under the CA" verifies "$dir/user1.pfx"

# ---- random numbers ----
# has_event NUMBER NAME JQ
has_event() { admin events --all --number "$1" --json | jq -e "any(.[]; .name == \"$2\" and ($3))"; }
event() { ca_lab_eventually has_event "$@" >/dev/null || has_event "$@"; }
doctor() { # NUMBER TEXT
	admin doctor ca --json | jq -e --arg t "$2" "any(.[]; .number == $1 and (.cure | contains(\$t)))"
}
no_event() { ! admin events --all --number "$1" --json | jq -e 'length > 0'; }
mode() { printf %s "$1" >"$dir/state/vault/mode"; }
before=$(asked)
check "which no other certificate needs" eval 'ca_lab_enroll user1 EFS "$dir/plain.pfx" && [ "$(asked)" = "$before" ]'
check "while the token refuses them no key is archived" eval 'mode refuse; refuses NTE_PROVIDER_DLL_FAIL ca_lab_enroll user1 EFSArchive "$dir/none.pfx"'
check "event 1004 DIRCA_NO_TOKEN_RANDOM" event 1004 DIRCA_NO_TOKEN_RANDOM '.level == "error" and (.variables.ErrorCode | contains("0x30"))'
check "the doctor says what mends it" doctor 1004 "pkcs11-tool --generate-random"
check "and there is no other provider" no_event 88
check "other certificates are issued" ca_lab_enroll user2 EFS "$dir/other.pfx"
check "when it gives them again keys are archived" eval 'mode ""; ca_lab_enroll user2 EFSArchive "$dir/again.pfx"'
check "a CRL" ca_lab_as caadmin crl
check "the BLOB is fetched" ca_lab_as officer1 getkey user1@nwtraders.com "$dir/user1.rec"

# ---- the exchange key ----
of_token() { # CERTIFICATE
	[ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl pkey -in "$dir/x0.pem" -pubout)" ]
}
held() { find "$CA_STATE/vault" -name "xchg-*.$1" -print; }
opened() { stat -c %s "$(held opened)"; }
only_token() { [ "$(held uri | wc -l)" = 1 ] && [ -z "$(held key)" ] && openssl x509 -inform DER -in "$(held crt)" -out "$dir/xchg.crt" && of_token "$dir/xchg.crt"; }
check "the exchange certificate is for the token's key, and no private key lies beside it" only_token
before=$(openssl x509 -in "$dir/xchg.crt" -noout -serial) size=$(opened)
check "another exchange certificate" admin ca exchange renew
check "is for the same key" only_token
check "control: it is another" [ "$(openssl x509 -in "$dir/xchg.crt" -noout -serial)" != "$before" ]
check "a key is archived by it" ca_lab_enroll user1 EFSArchive "$dir/second.pfx"
check "what both opened stands in one file" eval '[ "$(opened)" -gt "$size" ] && [ "$size" -gt 40 ]'

check "the KRA's key lies on a token" key_into kra "$dir/kra1.pfx" kra1 02
check "and opens the BLOB" opens --kra "$(uri kra kra1)" --kra-certificate "$dir/kra1.crt" --kra-password-file "$dir/pin"
check "not with another PIN" refuses SCARD_E_NO_SMARTCARD recover --kra "$(uri kra kra1)" --kra-certificate "$dir/kra1.crt" \
	--kra-password-file "$dir/wrong-pin"
check "not with a token that is not there" refuses SCARD_E_NO_SMARTCARD recover --kra "$(uri nobody kra1)" \
	--kra-certificate "$dir/kra1.crt" --kra-password-file "$dir/pin"
check "which the BLOB has too" opens --kra "$(uri kra kra1)" --kra-password-file "$dir/pin"
mkdir -p "$dir/kra-home/.config/dirca" && mkdir -m 700 "$dir/kra-home/.config/dirca/kra"
(umask 077 && uri kra kra1 >"$dir/kra-home/.config/dirca/kra/card")
at_home() { HOME=$dir/kra-home "$@"; }
check "and whose name stands in the agent's own place" at_home opens --kra-password-file "$dir/pin"
cp "$dir/kra-home/.config/dirca/kra/card" "$dir/card"
check "not in a file of anybody's" refuses 'card' recover --kra "$dir/card" --kra-password-file "$dir/pin"
check "where a file beside it holds another" opens --kra "$dir/user1.pfx" --kra-password-file "$(ca_lab_pass)" --kra "$(uri kra kra1)" \
	--kra-password-file "$dir/pin"
by_hand() { # STEPS: at a terminal
	"$here/../support/by_hand.py" "$1" -- "$DIRCA_BIN/dirca" recoverkey "$dir/user1.rec" "$dir/opened.pfx" --force --out-password-file "$(ca_lab_pass)" \
		--kra "$2" --kra-certificate "$dir/kra1.crt" --ca "$CA_STATE/ca.crt"
}
pin_typed="sees PIN of the KRA's token:
hands $dir/pin"
check "at a terminal the PIN is asked for" by_hand "$pin_typed
ends 0" "$(uri kra kra1)"
check "and a card that is not there" by_hand "$pin_typed
sees Put the card in and press Enter
says
$pin_typed
sees Put the card in and press Enter
says $(printf '\004')
ends 1" "$(uri nobody kra1)"
# The reader is empty at first.
mkdir "$dir/reader"
put_in() { # the card comes while it is waited for
	printf out >"$dir/reader/mode" && rm -f "$dir/opened.pfx" && P11_SHIM_FOLDER=$dir/reader by_hand "$pin_typed
sees Put the card in and press Enter
removes $dir/reader/mode
says
$pin_typed
ends 0" "$(uri kra kra1)" && [ "$(ca_lab_key_of "$dir/opened.pfx")" = "$(ca_lab_key_of "$dir/user1.pfx")" ]
}
check "and a card that is put in meanwhile opens it" put_in
check "not with another key of a token" refuses DIRCA_E_KEY_MISMATCH recover --kra "$(uri ca ca0)" --kra-certificate "$dir/kra1.crt" --kra-password-file "$dir/pin"

check "a second key on the token" new_key ca EC:prime256v1 ca1 03
check "the CA is stopped" ca_lab_dircad_stop
check "and renewed with it" "$DIRCA_BIN/dirca" ca renew -c "$DIRCAD_CONF" --new-key --key "$(uri ca ca1)"
check "and goes on" ca_lab_dircad_start
check "with it" ca_lab_eventually ca_lab_enroll user2 EFSArchive "$dir/user2.pfx"
check "under the CA" verifies "$dir/user2.pfx"
check "both keys sign CRLs" ca_lab_as caadmin crl

# ---- the token's key goes away ----
restart() { ca_lab_dircad_stop && ca_lab_dircad_start && ca_lab_eventually ca_lab_is_ready; }
option() { sed -i "/^exchange_key_fallback/d" "$DIRCAD_CONF" && echo "exchange_key_fallback = $1" >>"$DIRCAD_CONF"; }
provider() { admin getreg 'CA\EncryptionCSP\Provider' | grep -qx 'CA\\EncryptionCSP\\Provider = '"$1"; }
check "the provider of exchange keys is the token" provider 'PKCS#11'
check "and is set as that, and as no other" eval \
	'admin setreg "CA\EncryptionCSP\Provider" "PKCS#11" && refuses NTE_KEYSET_NOT_DEF admin setreg "CA\EncryptionCSP\Provider" OpenSSL'
check "until now the key could be used" eval 'no_event 86 && no_event 88'
check "it is deleted from the token while the CA works" remove_x0
check "and keys are archived all the same" ca_lab_eventually ca_lab_enroll user1 EFSArchive "$dir/third.pfx"
check "event 86 MSG_E_BAD_REGISTRY_CA_XCHG_CSP" event 86 MSG_E_BAD_REGISTRY_CA_XCHG_CSP \
	'.level == "warning" and (.variables.ErrorCode | contains("SCARD_E_NO_SMARTCARD"))'
check "event 88 MSG_E_USE_DEFAULT_CA_XCHG_CSP" event 88 MSG_E_USE_DEFAULT_CA_XCHG_CSP '.level == "warning" and (.variables.DefaultProviderName | contains("OpenSSL"))'
check "which is the provider now" provider OpenSSL
check "the vault has a key of its own making" eval '[ "$(held key | wc -l)" = 1 ]'
check "the doctor says what mends it" eval 'doctor 86 exchange_key_uri && doctor 88 exchange_key_fallback'

check "where root wants no other key" eval 'option no && restart'
check "none is made" refuses SCARD_E_NO_SMARTCARD admin ca exchange renew
check "event 96 MSG_E_CANNOT_CREATE_XCHG_CERT" event 96 MSG_E_CANNOT_CREATE_XCHG_CERT '.variables.ErrorCode | contains("exchange_key_fallback")'
check "control: the default provider is well" no_event 87
CA_LAB_PRELOAD="$1 ${2:?the other library}"
check "and the provider is still the token" provider 'PKCS#11'
check "where OpenSSL makes no key either" eval 'option yes && restart'
check "none is made" refuses NTE_PROVIDER_DLL_FAIL admin ca exchange renew
check "event 87 MSG_E_BAD_DEFAULT_CA_XCHG_CSP" event 87 MSG_E_BAD_DEFAULT_CA_XCHG_CSP '.level == "error"'
check "the doctor says what mends it" doctor 87 "openssl list -providers"
CA_LAB_PRELOAD=$1
check "the key comes back" eval 'import_x0 && option no && restart'
archives_by_token() { ca_lab_enroll user1 EFSArchive "$(mktemp -u "$dir/XXXXXX.pfx")" && [ "$(stat -c %s "$(held uri | sed 's/uri$/opened/')")" -gt "$size" ]; }
size=$(stat -c %s "$(held uri | sed 's/uri$/opened/')")
check "and is used again, and knows what it opened" ca_lab_eventually archives_by_token

# ---- keys that are refused ----
names() { sed -i '/^exchange_key_uri/d' "$DIRCAD_CONF" && echo "exchange_key_uri = $1" >>"$DIRCAD_CONF" && restart; }
check "a copy of the CA knows that the key was used, and not for what" eval 'rm "$(held uri | sed s/uri$/opened/)" && option yes && restart'
check "and does not use it" event 86 MSG_E_BAD_REGISTRY_CA_XCHG_CSP '.variables.ErrorCode | contains("DIRCA_E_XCHG_CERT")'
check "but another" ca_lab_eventually ca_lab_enroll user1 EFSArchive "$dir/fourth.pfx"
check "the CA's own key is no exchange key" eval 'names "$(uri ca ca0)"'
check "and is not used" event 86 MSG_E_BAD_REGISTRY_CA_XCHG_CSP '.variables.ErrorCode | contains("key of the CA itself")'
check "nor is one that may only sign" eval 'names "$(uri xchg x2)&pin-source=$dir/xchg-pin"'
check "and event 86 says so" event 86 MSG_E_BAD_REGISTRY_CA_XCHG_CSP '.variables.ErrorCode | contains("agree with")'
check "one on a curve is" eval 'touch "$dir/before"; names "$(uri xchg x1)&pin-source=$dir/xchg-pin" && ca_lab_eventually provider "PKCS#11"'
on_curve() { find "$CA_STATE/vault" -name 'xchg-*.uri' -newer "$dir/before" | sed 's/uri$/opened/' | xargs -r stat -c %s; }
archives_on_curve() { ca_lab_enroll user1 EFSArchive "$(mktemp -u "$dir/XXXXXX.pfx")" && [ "$(on_curve)" -gt 40 ]; }
check "and keys are archived by it" ca_lab_eventually archives_on_curve

started() { grep -aqF -- "$1" "$dir/programs"; }
# ---- a client's ----
whose() { # PIN-FILE: by user2's certificate, whose key the token has; the directory takes user1's password
	local answer
	answer=$(ca_lab_as user1 requests --json --client-certificate "$dir/client.pem" --client-key "$(uri client u2)" --client-password-file "$1") &&
		jq -c '[.[].requester_name] | unique' <<<"$answer"
}
check "a token of a client" token client
check "a certificate to sign in by" ca_lab_enroll user2 User "$dir/client.pfx"
check "its key on the token" key_into client "$dir/client.pfx" u2 0c
ca_lab_certificate_of "$dir/client.pfx" >"$dir/client.pem"
check "signs in over TLS" is '["NWTRADERS\\user2"]' whose "$dir/pin"
check "with another PIN it does not" refuses SCARD_E_NO_SMARTCARD whose "$dir/wrong-pin"
check "nor for another certificate" eval 'ca_lab_certificate_of "$dir/other.pfx" >"$dir/client.pem"; refuses DIRCA_E_KEY_MISMATCH whose "$dir/pin"'
check "control: dircad and what it started were watched" started --role=vault
check "and dirca" started recoverkey
check "no argument list, environment or log has a PIN" ca_lab_says_nothing_of "$dir/pin" "$dir/xchg-pin" "$dir/wrong-pin"
told() { PIN=$pin /bin/true && ! ca_lab_says_nothing_of "$dir/pin"; }
check "control: one that has is found" told
checks_end
