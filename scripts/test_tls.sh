#!/usr/bin/env bash
# Runs the client against certificates that it must accept or refuse (test/tls/cases.txt), served by
# nginx: once made with the openssl command, and once with Python's cryptography. Everything is kept
# in build/tls.
#
#   scripts/test_tls.sh [--verbose]
#
#   --verbose   prints the text of every error
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

verbose=()
case ${1:-} in
'') ;;
--verbose) verbose=(--verbose) ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

work=$PWD/build/tls
mkdir -p "$work"
install_packages "${build_packages[@]}" "${test_packages[@]}" openssl python3 python3-cryptography
find_nginx "$work"
# Debian's own, which has that package.
python=/usr/bin/python3
[ -x "$python" ] || python=python3

say "Building the probe"
cmake --preset dev >"$work/build.log" &&
    cmake --build --preset dev -j "$(job_count)" --target regolo_tls_probe >>"$work/build.log" || {
    tail -n 40 "$work/build.log" >&2
    fail "the build failed; all of its output is in build/tls/build.log"
}

failed=
: >"$work/summary"
for generator in test/tls/openssl.sh "$python test/tls/certificates.py"; do
    name=$(basename "${generator##* }")
    say "Certificates of $name"
    "$python" test/tls/run.py --probe build/dev/test/tls/regolo_tls_probe --nginx "$nginx" \
        --work "$work/$name" ${verbose[@]+"${verbose[@]}"} "$generator" | tee "$work/$name.out" ||
        failed=1
    tail -n 1 "$work/$name.out" >>"$work/summary"
done

say "TLS"
cat "$work/summary"
[ -z "$failed" ] || fail "some are wrong; see build/tls"
