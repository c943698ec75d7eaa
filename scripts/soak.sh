#!/usr/bin/env bash
# Mixed work on servers that fail, restart and move, for as long as one likes; then streams that nobody reads, and a way
# that forgets connections. Says at its end whether all was well.
#
#   scripts/soak.sh [--minutes N | --hours N] [--seed N]     (10 minutes, any seed; it is printed)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

seconds=600
seed=$((RANDOM * 32768 + RANDOM))
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) seconds=$(($2 * 60)) ;;
    --hours) seconds=$(($2 * 3600)) ;;
    --seed) seed=$2 ;;
    *)
        sed -n '2,5s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
    shift 2
done

install_packages "${build_packages[@]}" "${test_packages[@]}" iproute2 nftables
say "Building"
cmake --preset release >/dev/null
cmake --build --preset release -j "$(job_count)" --target regolo_soak regolo_middlebox regolo_server
build=build/release

status=0
say "Mixed work for $seconds s"
$build/regolo_soak --seconds "$seconds" --seed "$seed" --csv $build/soak.csv || status=1
say "2000 streams that nobody reads"
$build/regolo_soak --late 2000 --seed "$seed" || status=1
say "A way that forgets connections"
box=0
test/soak/middlebox.sh $build/regolo-server $build/regolo_middlebox || box=$?
[ $box -eq 0 ] || [ $box -eq 77 ] || status=1
say "soak with seed $seed: $([ $status -eq 0 ] && echo "all is well" || echo "NOT WELL")"
exit $status
