#!/usr/bin/env bash
# Streams the answer to a prompt to the terminal, then prints how fast it came.
#
#   scripts/demo.sh [prompt]
#
# With REGOLO_API_KEY set, the API at REGOLO_BASE_URL (https://api.regolo.ai) answers. Without it, a
# simulated one does: regolo-server, started here with TLS on a free port of 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

case ${1:-} in
-h | --help)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit
    ;;
esac

install_packages "${build_packages[@]}"

build=build/demo
targets=(regolo_example_demo)
[ -n "${REGOLO_API_KEY:-}" ] || targets+=(regolo_server)
say "Building (the first time takes some minutes; output in build/demo.log)"
mkdir -p build
log=build/demo.log
if ! {
    cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DREGOLO_BUILD_TESTS=OFF \
        -DREGOLO_INSTALL=OFF &&
        cmake --build $build -j "$(job_count)" --target "${targets[@]}"
} >$log 2>&1; then
    tail -n 40 $log >&2
    fail "the build failed; all of its output is in $log"
fi

if [ -z "${REGOLO_API_KEY:-}" ]; then
    start_server $build/regolo-server
    say "No REGOLO_API_KEY: a simulated API answers at $REGOLO_BASE_URL"
else
    say "Asking ${REGOLO_BASE_URL:-https://api.regolo.ai}"
fi

$build/regolo_example_demo "$@"
