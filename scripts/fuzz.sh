#!/usr/bin/env bash
# Runs the fuzz targets, one after the other, each with a new random seed, and shows what came of it.
#
#   scripts/fuzz.sh [--seconds N] [TARGET...]    60 seconds each without the option; all targets without names
#   scripts/fuzz.sh --merge [TARGET...]          takes what was found into the committed corpus, as little as has the
#                                                same coverage
#
# New inputs stay in build/fuzz/found/TARGET and are used again, those that fail in build/fuzz/artifacts/TARGET. Ends with 1
# where any failed: `build/fuzz/test/fuzz/regolo_fuzz_TARGET FILE` shows it again.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

seconds=60
merge=
targets=()
while [ $# -gt 0 ]; do
    case $1 in
    --seconds)
        seconds=${2:?--seconds needs a number}
        shift
        ;;
    --merge) merge=1 ;;
    -*) fail "unknown option $1" ;;
    *) targets+=("$1") ;;
    esac
    shift
done

install_packages "${build_packages[@]}" clang python3
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
say "Building"
cmake --preset fuzz >/dev/null
known=$(cmake --build --preset fuzz --target help | sed -n 's/^regolo_fuzz_\([a-z_]*\):.*/\1/p' | sort)
[ ${#targets[@]} -gt 0 ] || mapfile -t targets <<<"$known"
for target in "${targets[@]}"; do
    grep -qx "$target" <<<"$known" || fail "no target $target; there are:" $known
done
cmake --build --preset fuzz -j "$(job_count)" --target "${targets[@]/#/regolo_fuzz_}"

work=$PWD/build/fuzz
python3 test/fuzz/make_seeds.py "$work/seeds"

# The limits of one input: a loop that does not end is a finding, and so is memory out of all proportion.
limits=(-timeout=60 -rss_limit_mb=2048 -malloc_limit_mb=512)

# run TARGET: fuzzes it, and appends a line to the table.
run() {
    local target=$1 seed log coverage executions status=0 crashes
    local corpus=test/fuzz/corpus/$target found=$work/found/$target artifacts=$work/artifacts/$target
    local dictionary=test/fuzz/$target.dict options=()
    log=$work/$target.log
    seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    mkdir -p "$corpus" "$found" "$artifacts" "$work/seeds/$target"
    [ ! -e "$dictionary" ] || options+=("-dict=$dictionary")
    local before
    before=$(find "$found" -type f | wc -l)
    say "$target: -seed=$seed, $seconds s"
    "$work/test/fuzz/regolo_fuzz_$target" "$found" "$corpus" "$work/seeds/$target" \
        "-max_total_time=$seconds" "-seed=$seed" "-artifact_prefix=$artifacts/" \
        -print_final_stats=1 -max_len=4096 "${limits[@]}" "${options[@]}" >"$log" 2>&1 || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -aoP ' cov: \K[0-9]+' "$log" | tail -n 1)
    crashes=0
    if [ $status -ne 0 ]; then
        crashes=1
        grep -a '^fuzz: \|ERROR: \|runtime error: \|artifact_prefix' "$log" || tail -n 20 "$log"
    fi
    printf '%-14s %10s %12s %8s %8s %8s %8s\n' "$target" "$seed" "${executions:-0}" \
        "$((${executions:-0} / (seconds > 0 ? seconds : 1)))" "${coverage:-0}" \
        "$(($(find "$found" -type f | wc -l) - before))" "$crashes" >>"$work/table"
    [ $status -eq 0 ]
}

# take TARGET: the fewest inputs with the coverage of all of them, small ones first.
take() {
    local target=$1 corpus=test/fuzz/corpus/$1 merged=$work/merged/$1
    rm -rf "$merged"
    mkdir -p "$merged" "$work/seeds/$target" "$work/found/$target" "$corpus"
    "$work/test/fuzz/regolo_fuzz_$target" -merge=1 -max_len=4096 "${limits[@]}" "$merged" "$corpus" \
        "$work/seeds/$target" "$work/found/$target" >"$work/$target.merge.log" 2>&1 ||
        fail "the merge of $target failed: see $work/$target.merge.log"
    python3 test/fuzz/trim_corpus.py "$merged" "$corpus" "$work/seeds/$target"
}

result=0
if [ -n "$merge" ]; then
    for target in "${targets[@]}"; do take "$target"; done
    exit 0
fi
printf '%-14s %10s %12s %8s %8s %8s %8s\n' target seed executions exec/s edges new crashes >"$work/table"
for target in "${targets[@]}"; do run "$target" || result=1; done
cat "$work/table"
[ $result -eq 0 ] || say "Findings are in build/fuzz/artifacts"
exit $result
