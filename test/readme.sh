#!/usr/bin/env bash
# Fails when a C++ block of the README is not found, line by line, in one of the examples, which
# are compiled and run, or when its options table misses a member of options.hpp.
set -euo pipefail
cd "$(dirname "$0")/.."

# Indentation and blank lines do not count.
squeeze() { sed 's/^[[:space:]]*//; s/[[:space:]][[:space:]]*/ /g' "$@" | grep -v '^$'; }

status=0 block='' inside=0 blocks=0
examples=()
for file in examples/*.cpp; do
    examples+=("$(squeeze "$file")")
done

while IFS= read -r line; do
    case $inside$line in
    '0```cpp') inside=1 block='' ;;
    '1```')
        inside=0
        blocks=$((blocks + 1))
        wanted=$(squeeze <<<"$block")
        found=0
        for text in "${examples[@]}"; do
            case $'\n'$text$'\n' in *$'\n'"$wanted"$'\n'*) found=1 ;; esac
        done
        if [ $found = 0 ]; then
            printf 'in no example:\n%s\n' "$block"
            status=1
        fi
        ;;
    1*) block+=$line$'\n' ;;
    esac
done <README.md
[ $blocks -gt 0 ] || { echo 'no C++ blocks in README.md'; status=1; }

# The members of the structs that the table names with a prefix.
member() {
    sed -n "/^struct $1\$/,/^};/p; /^struct $1 {/,/^};/p" include/regolo/options.hpp |
        grep -v using |
        sed -nE 's/^    [a-z_:<>]+ ([a-z_]+)( =.*|\{.*)?;.*/\1/p'
}
for pair in time_limits:time retry_policy:retry pool_options:pool limits:limits tls_options:tls; do
    members=$(member "${pair%:*}")
    [ -n "$members" ] || { echo "no members of ${pair%:*} found"; status=1; }
    for name in $members; do
        grep -q "^|.*\`${pair#*:}.$name\`" README.md || {
            echo "not in the options table: ${pair#*:}.$name"
            status=1
        }
    done
done
echo "$blocks blocks checked"
exit $status
