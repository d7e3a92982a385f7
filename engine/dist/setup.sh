#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what nrbac needs on Debian 12 and builds it into build/.
#   engine/dist/setup.sh            to use it
#   engine/dist/setup.sh --tests    to test it too
#   engine/dist/setup.sh --bench    to measure it beside its peers (bench/run)
#   engine/dist/setup.sh --bindings to build and measure the bindings (bench/run bindings)
set -eu
cd "$(dirname "$0")/../.."

packages="gcc make cmake pkg-config libc6-dev libyaml-dev libjansson-dev libcsv-dev libmsgpack-dev libuv1-dev libcjose-dev libssl-dev libsqlite3-dev libsodium-dev"
if [ "${1:-}" = --tests ]; then
    packages="$packages clang clang-format clang-tidy libclang-rt-14-dev llvm binutils mandoc spin valgrind strace python3 python3-pytest python3-pytest-xdist python3-msgpack python3-yaml python3-jsonschema python3-cryptography"
fi
if [ "${1:-}" = --tests ] || [ "${1:-}" = --bindings ]; then
    packages="$packages g++ python3-dev python3-pip python3-setuptools python3-wheel python3-venv python3-msgpack"
    packages="$packages python3-pytest python3-starlette python3-fastapi python3-uvicorn python3-httpx python3-uvloop mypy" # bindings/python's tests
fi
if [ "${1:-}" = --bench ]; then
    packages="$packages valgrind gnuplot-nox python3 libglib2.0-dev libsepol-dev checkpolicy redis-tools"
    command -v npm >/dev/null || packages="$packages nodejs npm" # whoever has one keeps it
fi
case "${1:-}" in
--tests | --bindings) command -v npm >/dev/null || packages="$packages nodejs npm" ;; # bindings/node
esac

missing=
for package in $packages; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "These Debian packages are missing; install them as root, then run this again:" >&2
        echo "  apt-get install$missing" >&2
        exit 3
    fi
    echo "installing:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install -y --no-install-recommends $missing; } >build-packages.log 2>&1 ||
        { tail -n 20 build-packages.log >&2; exit 3; }
    rm -f build-packages.log
fi

echo "building into build/" >&2
cmake -C .presets/release.cmake -S . -B build >/dev/null
cmake --build build -j "$(nproc)" -- --no-print-directory >build/build.log 2>&1 ||
    { tail -n 40 build/build.log >&2; exit 3; }
