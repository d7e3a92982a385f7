#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs nrbac into build/bindings/python/usr, builds the wheel against it as a user would, and installs that into the
# environment build/bindings/python/venv, which sees the Python packages of Debian. Nothing comes from a network.
set -eu
cd "$(dirname "$0")/../.."
out=$PWD/build/bindings/python
[ -e build/bin/nrbacd ] || { echo "build nrbac first: engine/dist/setup.sh --tests" >&2; exit 3; }
rm -rf "$out/package" "$out/wheel" "$out/usr" "$out/venv"
mkdir -p "$out"

cmake --install build --prefix "$out/usr" >/dev/null
export PKG_CONFIG_PATH="$(dirname "$(find "$out/usr" -name nrbac.pc)")"

# A copy, so that what setuptools leaves behind does not lie in the sources.
mkdir "$out/package"
cp -r bindings/python/README.md bindings/python/pyproject.toml bindings/python/setup.py bindings/python/words.py \
    bindings/python/native bindings/python/src "$out/package"
NRBAC_WERROR=1 /usr/bin/python3 -m pip wheel --no-index --no-build-isolation --no-deps -q -w "$out/wheel" "$out/package"

/usr/bin/python3 -m venv --system-site-packages "$out/venv"
"$out/venv/bin/python" -m pip install --no-index --no-deps -q "$out"/wheel/nrbac-*.whl
