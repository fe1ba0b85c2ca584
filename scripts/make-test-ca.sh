#!/bin/sh
# Makes a certificate authority for tests, and what it signs: a certificate for centers and one for nodes.
#
#   scripts/make-test-ca.sh FOLDER [CENTER_NAMES]
#
# CENTER_NAMES: what nodes dial, as subjectAltName; default DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1
# In the environment: DAYS (30) for how long they are valid; CENTER_CN (center) and NODE_CN (node), their names.
#
# Writes ca.crt, ca.key, center.crt, center.key, node.crt and node.key, and overwrites nothing. The keys have no
# passphrase: whoever can read ca.key can let nodes in.
set -eu

folder=${1:?"usage: $0 FOLDER [CENTER_NAMES]"}
names=${2:-DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1}
days=${DAYS:-30}

command -v openssl >/dev/null || { echo "$0: openssl is needed (Debian: apt-get install openssl)" >&2; exit 1; }
for name in ca center node; do
  for file in "$folder/$name.crt" "$folder/$name.key"; do
    if [ -e "$file" ]; then
      echo "$0: $file is there already: give another folder, or remove it first" >&2
      exit 1
    fi
  done
done
mkdir -p "$folder"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# key NAME SUBJECT: a key, and a request for a certificate of that subject.
key() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
    -keyout "$folder/$1.key" -out "$work/$1.csr" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}

# sign NAME EXTENSION...: a certificate for that request, signed by the authority.
sign() {
  name=$1
  shift
  printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" "$@" >"$work/$name.ext"
  openssl x509 -req -in "$work/$name.csr" -days "$days" -extfile "$work/$name.ext" \
    -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAserial "$work/serial" -CAcreateserial \
    -out "$folder/$name.crt" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}

key ca "websocket-center test CA"
printf '%s\n' "basicConstraints=critical,CA:TRUE" "keyUsage=critical,keyCertSign,cRLSign" \
  "subjectKeyIdentifier=hash" >"$work/ca.ext"
openssl x509 -req -in "$work/ca.csr" -days "$days" -extfile "$work/ca.ext" \
  -signkey "$folder/ca.key" -out "$folder/ca.crt" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
key center "${CENTER_CN:-center}"
sign center "extendedKeyUsage=serverAuth" "subjectAltName=$names"
key node "${NODE_CN:-node}"
sign node "extendedKeyUsage=clientAuth"
chmod 644 "$folder/ca.crt" "$folder/center.crt" "$folder/node.crt"

echo "wrote to $folder: ca.crt ca.key center.crt center.key node.crt node.key"
