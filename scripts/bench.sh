#!/usr/bin/env bash
# Measures what the library costs beside its peers: installs what that takes, builds all of it, and
# runs bench/run.py. Everything is kept in build/bench. bench/README.md tells what is measured.
#
#   scripts/bench.sh [--quick] [--only NAME...] [--workload WORK...] [--list]
#
#   --quick      fewer and shorter rounds, and the SDKs in less of the work: about 20 minutes once everything is built, instead of
#                an hour
#   --only       of the clients, only these
#   --workload   of the work, only this
#   --list       the names of both
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

case ${1:-} in
--help | -h)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

build=$PWD/build/bench
peers=$build/peers
python=/usr/bin/python3 # Debian's, which has the packages
case " $* " in
*" --list "*) exec "$python" -B bench/run.py --build "$build" --peers "$peers" "$@" ;;
esac
install_packages "${build_packages[@]}" libbenchmark-dev libcurl4-openssl-dev libsimdjson-dev \
    python3 python3-matplotlib openssl strace valgrind
mkdir -p "$build"

say "Building"
cmake --preset bench >"$build/build.log" &&
    cmake --build --preset bench -j "$(job_count)" >>"$build/build.log" || {
    tail -n 40 "$build/build.log" >&2
    fail "the build failed; all of its output is in build/bench/build.log"
}
bench/peers/install.sh "$peers" || fail "not all of the peers could be installed"
find_nginx "$build"

say "Running"
exec "$python" -B bench/run.py --build "$build" --peers "$peers" --nginx "$nginx" "$@"
