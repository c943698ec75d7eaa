#!/usr/bin/env bash
# Makes the certificates of cases.txt with the openssl command: NAME.pem is the chain that a server
# sends, NAME.key its key, NAME.crl a revocation list.
#
#   openssl.sh FOLDER
set -euo pipefail
# What the client must refuse has to be made first.
OPENSSL_CONF=$(cd "$(dirname "$0")" && pwd)/lax.cnf
export OPENSSL_CONF
rm -rf "$1"
mkdir -p "$1"
cd "$1"

cat >ca.cnf <<'CONFIG'
[ca]
default_ca = this
[this]
database = $ENV::ISSUER.index
new_certs_dir = .
certificate = $ENV::ISSUER.crt
private_key = $ENV::ISSUER.key
rand_serial = yes
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
CONFIG

at() { date -u -d "$1" +%Y%m%d%H%M%SZ; }

key() {
    case ${2:-ec} in
    ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    *) openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1.key" ;;
    esac
}

# Variables of `issue` that a case may set: cn, from, until, digest, bits.
defaults() { cn='' from='1 day ago' until='30 days' digest=sha256 bits=ec; }
defaults

# issue NAME ISSUER EXTENSION...: NAME.crt. An issuer of the same name: signed by itself.
issue() {
    local name=$1 issuer=$2 selfsign=()
    shift 2
    printf '%s\n' "$@" >"$name.ext"
    key "$name" "$bits"
    openssl req -new -config /dev/null -subj "/CN=${cn:-$name}" -key "$name.key" -out "$name.csr"
    [ "$name" != "$issuer" ] || selfsign=(-selfsign)
    [ -e "$issuer.index" ] || : >"$issuer.index"
    ISSUER=$issuer openssl ca -batch -notext -config ca.cnf -in "$name.csr" -out "$name.crt" \
        -extfile "$name.ext" -startdate "$(at "$from")" -enddate "$(at "$until")" -md "$digest" \
        ${selfsign[@]+"${selfsign[@]}"}
    defaults
}

authority() {
    issue "$1" "$2" basicConstraints=critical,CA:TRUE "${@:3}" \
        keyUsage=critical,keyCertSign,cRLSign subjectKeyIdentifier=hash
}

# server NAME ISSUER SAN [EXTENSION...]: a leaf, and the chain up to and without the root.
server() {
    local name=$1 issuer=$2 san=()
    [ -z "$3" ] || san=("subjectAltName=$3")
    issue "$name" "$issuer" "${san[@]}" "${@:4}"
    case $issuer in
    "$name" | root | other-root | old-root) cat "$name.crt" >"$name.pem" ;;
    *) cat "$name.crt" "$issuer.crt" >"$name.pem" ;;
    esac
}

revoke() { ISSUER=$2 openssl ca -config ca.cnf -revoke "$1.crt"; }

# list NAME ISSUER [OPTION...]
list() { ISSUER=$2 openssl ca -gencrl -config ca.cnf -out "$1.crl" "${@:3}"; }

here=DNS:good.localhost,DNS:localhost,IP:127.0.0.1,IP:::1

# ---- authorities

authority root root
authority inter root
authority other-root other-root
from='60 days ago' until='1 day ago' authority old-root old-root
from='60 days ago' until='1 day ago' authority old-inter root
bits=2048 authority rsa-inter root  # no MD5 with elliptic curves
bits=1024 authority weak-inter root
digest=sha1 authority sha1-inter root
authority revoked-inter root
authority no-sub root
issue tip inter basicConstraints=critical,CA:FALSE
authority only-localhost root nameConstraints=critical,permitted\;DNS:localhost
authority never-localhost root nameConstraints=critical,excluded\;DNS:localhost
authority only-10 root 'nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0'
issue path-0 root basicConstraints=critical,CA:TRUE,pathlen:0 \
    keyUsage=critical,keyCertSign,cRLSign subjectKeyIdentifier=hash
authority path-1 path-0

# ---- times

server good inter "$here"
bits=2048 server rsa inter "$here"
from='60 days ago' until='1 day ago' server expired inter "$here"
from='10 days' until='40 days' server future inter "$here"
server old-inter-leaf old-inter "$here"
server old-root-leaf old-root "$here"

# ---- names

server wrong-host inter DNS:wrong.example,IP:10.1.2.3
server dns-ip inter DNS:127.0.0.1
server wild-ip inter 'DNS:*.0.0.1'
cn=good.localhost server cn-only inter ''
cn=good.localhost server cn-besides inter DNS:other.example
server wild inter 'DNS:*.tls.localhost,DNS:*.example.com'
server wild-part inter 'DNS:f*.tls.localhost'
server wild-top inter 'DNS:*.localhost'
server wild-middle inter 'DNS:a.*.localhost'
server wild-two inter 'DNS:*.*.tls.localhost'
server wild-alone inter 'DNS:*'
server idn inter DNS:xn--bcher-kva.localhost
server upper inter DNS:GOOD.LocalHost
# good.localhost, a NUL, .evil.example; and a line break with an escape sequence.
server nul inter DER:301e821c676f6f642e6c6f63616c686f7374002e6576696c2e6578616d706c65
server hostile inter DER:30198217612e6578616d706c650a1b5b33316d464f524745440a62
cn=$'a\n\e[31mFORGED' server hostile-cn inter DNS:other.example
names=
for i in $(seq 100); do names+=,DNS:name-$i.example; done
server many-names inter "${names#,}"
server uri inter URI:https://good.localhost/,email:someone@good.localhost

# ---- who has signed it

server self-signed self-signed "$here"
server from-root root "$here"
server unknown other-root "$here"
cat unknown.crt other-root.crt >unknown-with-root.pem
cp unknown.key unknown-with-root.key
for name in no-intermediate wrong-order surplus; do cp good.key $name.key; done
cp good.crt no-intermediate.pem
cat good.crt root.crt other-root.crt inter.crt >wrong-order.pem
cat good.crt inter.crt root.crt >surplus.pem
server by-tip tip "$here"
cat by-tip.crt tip.crt inter.crt >by-tip.pem
server too-long path-1 "$here"
cat too-long.crt path-1.crt path-0.crt >too-long.pem
server for-clients inter "$here" extendedKeyUsage=clientAuth
server for-servers inter "$here" extendedKeyUsage=serverAuth
server unknown-critical inter "$here" 1.2.3.4.5=critical,ASN1:NULL
# The same name as inter, and another key.
cn=inter authority false-inter other-root
server forged false-inter "$here"
cat forged.crt inter.crt >forged.pem

# ---- strength

bits=1024 server weak-key inter "$here"
bits=2040 server short-key inter "$here"
bits=1024 server weak-self weak-self "$here"
server weak-inter-leaf weak-inter "$here"
digest=sha1 server sha1 inter "$here"
digest=md5 server md5 rsa-inter "$here"
server sha1-inter-leaf sha1-inter "$here"

# ---- name constraints

server nc-inside only-localhost DNS:good.localhost
server nc-outside only-localhost DNS:www.example.com
server nc-both only-localhost DNS:good.localhost,DNS:www.example.com
server nc-excluded never-localhost DNS:good.localhost
server nc-ip only-10 IP:127.0.0.1

# ---- revocation

server revoked inter "$here"
server revoked-inter-leaf revoked-inter "$here"
revoke revoked inter
revoke revoked-inter root
list inter inter
list root root
list revoked-inter revoked-inter
list old inter -crl_lastupdate "$(at '40 days ago')" -crl_nextupdate "$(at '10 days ago')"
list future inter -crl_lastupdate "$(at '10 days')" -crl_nextupdate "$(at '40 days')"
list false false-inter
cat root.crl inter.crl revoked-inter.crl >all.crl
sed 's/^[A-Za-z0-9+\/]\{10\}/AAAAAAAAAA/' inter.crl >broken.crl

# ---- clients

issue client root extendedKeyUsage=clientAuth
from='60 days ago' until='1 day ago' issue old-client root extendedKeyUsage=clientAuth
issue stranger other-root extendedKeyUsage=clientAuth
cat client.crt client.key >client-with-key.pem
openssl pkey -in client.key -aes256 -passout pass:secret -out encrypted.key
openssl ec -in client.key -aes256 -passout pass:secret -out encrypted-ec.key
bits=1024 issue weak-client root extendedKeyUsage=clientAuth

# ---- places to trust

mkdir -p hashed plain
cp root.crt hashed/root.crt
openssl rehash hashed
cp root.crt plain/root.crt
openssl x509 -in root.crt -outform der -out root.der
cat other-root.crt root.crt >roots.pem
printf 'no certificate\n' >text.pem
sed 's/^[A-Za-z0-9+\/]\{10\}/AAAAAAAAAA/' root.crt >broken.pem
openssl dhparam -dsaparam -out weak.dh 1024
