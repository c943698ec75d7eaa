#!/usr/bin/env bash
# Fails when a C++ block of the README or of a page under doc is not found, line by line, in one of
# the examples, which are compiled and run; when a link of theirs leads nowhere; when an example is not
# in the README's table; or when its options table misses a member of options.hpp.
set -euo pipefail
cd "$(dirname "$0")/.."

# Indentation and blank lines do not count.
squeeze() { sed 's/^[[:space:]]*//; s/[[:space:]][[:space:]]*/ /g' "$@" | grep -v '^$'; }

status=0 blocks=0
examples=()
for file in examples/*.cpp; do
    examples+=("$(squeeze "$file")")
    grep -qF "($file)" README.md || {
        echo "not in README.md: $file"
        status=1
    }
done

# check_blocks PAGE
check_blocks() {
    local line block='' inside=0 wanted found text before=$blocks
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
                printf '%s: in no example:\n%s\n' "$1" "$block"
                status=1
            fi
            ;;
        1*) block+=$line$'\n' ;;
        esac
    done <"$1"
    [ $blocks -gt "$before" ] || { echo "no C++ blocks in $1"; status=1; }
}

# check_links PAGE: those to files.
check_links() {
    local target
    while IFS= read -r target; do
        [ -e "$(dirname "$1")/$target" ] || {
            echo "$1: leads nowhere: $target"
            status=1
        }
    done < <(grep -oE '\]\([^)#:]+\)' "$1" | sed 's/^](//; s/)$//')
}

for page in README.md doc/*.md; do
    check_blocks "$page"
    check_links "$page"
done

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
