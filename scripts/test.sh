#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

install_packages "${build_packages[@]}" "${test_packages[@]}"

say "Configuring"
cmake --preset dev
say "Building"
cmake --build --preset dev -j "$(job_count)"
say "Testing"
ctest --preset dev -j "$(nproc)" "$@"
