#!/usr/bin/env bash
# Prints what including <regolo.hpp> costs next to <boost/asio.hpp>, in processor time.
#
#   scripts/measure_compile.sh [rounds] [compiler]
#
# The rounds are interleaved, so that a busy machine burdens both sides alike; the median counts.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-9}
compiler=${2:-g++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo '#include <boost/asio.hpp>' >"$work/asio.cpp"
echo '#include <regolo.hpp>' >"$work/regolo.cpp"

# User time plus system time of one compilation.
cost() {
    local TIMEFORMAT='%U %S'
    { time "$compiler" -std=c++20 -Iinclude "$2" "$work/$1.cpp" -o "$work/out.o"; } 2>&1 |
        awk '{ print $1 + $2 }'
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for mode in -fsyntax-only -c; do
    : >"$work/asio.times"
    : >"$work/regolo.times"
    for ((round = 0; round < rounds; ++round)); do
        cost asio $mode >>"$work/asio.times"
        cost regolo $mode >>"$work/regolo.times"
    done
    awk -v mode=$mode -v a="$(median "$work/asio.times")" -v r="$(median "$work/regolo.times")" \
        'BEGIN { printf "%-14s <boost/asio.hpp> %.2f s   <regolo.hpp> %.2f s   ratio %.2f\n", mode, a, r, r / a }'
done
