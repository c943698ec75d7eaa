#!/usr/bin/env bash
# The unit tests, and every kind of exchange with plain and TLS servers, under valgrind: no error and no leak.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

install_packages "${build_packages[@]}" "${test_packages[@]}" valgrind
say "Building"
cmake --preset dev >/dev/null
cmake --build --preset dev -j "$(job_count)" --target regolo_unit_tests regolo_integration_tests

# check PROGRAM FILTER
check() {
    say "$1 ${2:-}"
    valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --num-callers=30 \
        "build/dev/test/$1" --gtest_brief=1 --gtest_filter="$2"
}

status=0
# Those left out repeat the same code some million times.
check regolo_unit_tests '-SseParser.Passes*Cases*:ChatAccumulator.IsLinear*:Changed*' || status=1
check regolo_integration_tests \
    'Conversation.*:Endpoints.*:FanOut.*:Simulation.*:UploadOverTls.*:*/StreamHelpers.*:*/Bytes.*:*/Upload.*' ||
    status=1
say "valgrind: $([ $status -eq 0 ] && echo "no error, no leak" || echo "ERRORS, see above")"
exit $status
