#!/usr/bin/env bash
# Every fault at every byte that a client receives, every exchange ended by its own program after every handler, and every
# request for memory of the core failing; counts them. Takes some minutes on each core.
#
#   scripts/faults.sh [--stride N]     every Nth byte; 1 without the option
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

stride=1
case ${1:-} in
'') ;;
--stride) stride=${2:?--stride needs a number} ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

install_packages "${build_packages[@]}" "${test_packages[@]}"
say "Building"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(job_count)" --target regolo_fault_tests regolo_allocation_tests
programs=build/release/test

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
status=0
say "Faults at every ${stride}th byte"
$programs/regolo_fault_tests --gtest_list_tests --gtest_filter='*Sweep*' |
    sed -n 's/^  \([^ ]*\).*/\1/p' |
    REGOLO_FAULT_STRIDE=$stride xargs -P "$(nproc)" -I{} sh -c \
        "$programs/regolo_fault_tests --gtest_filter='*Sweep.{}' >'$log'/sweep-\$(echo {} | tr / -) 2>&1" || status=1
say "Exchanges that their own program ends"
$programs/regolo_fault_tests --gtest_filter='*ClientEnd*' >"$log/ends" 2>&1 || status=1
say "Memory that runs out"
$programs/regolo_allocation_tests --gtest_list_tests |
    awk '/^[^ ]/ { suite = $1 } /^ / { print suite $1 }' |
    REGOLO_FAULT_STRIDE=$stride xargs -P "$(nproc)" -I{} sh -c \
        "$programs/regolo_allocation_tests --gtest_filter='{}' >'$log'/memory-\$(echo {} | tr / -) 2>&1" || status=1

[ $status -eq 0 ] || grep -h -B1 -A12 'Failure' "$log"/* || cat "$log"/*
cat "$log"/sweep-* | awk '/^faults:/ { struck += $2; errors += $4; right += $7 }
    END { printf "faults injected: %d; %d documented errors, %d right answers\n", struck, errors, right }'
awk '/^ends:/ { n += $2 } END { print "exchanges ended by their program: " n }' "$log/ends"
for of in core client; do
    cat "$log"/memory-* | awk -v of=$of '$0 ~ "^" of ": requests for memory" { n += $7; out += $11 }
        END { printf "%s: requests for memory that failed: %d", of, n; if (out) printf ", out of run(): %d", out; print "" }'
done
say "$([ $status -eq 0 ] && echo "all is well" || echo "NOT WELL")"
exit $status
