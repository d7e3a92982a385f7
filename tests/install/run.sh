#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into an empty folder and builds the example programs there as a user
# would: once with pkg-config, once with find_package; both must give an answer.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install build --prefix "$work/usr" >/dev/null
export PKG_CONFIG_PATH="$(dirname "$(find "$work/usr" -name nrbac.pc)")"
export LD_LIBRARY_PATH="$(dirname "$(find "$work/usr" -name libnrbac.so)")"

# libnrbac alone: compiled policies are decided on without any other library.
cc -std=c11 -Wall -Werror engine/examples/check.c -o "$work/check" $(pkg-config --cflags --libs nrbac)
ldd "$LD_LIBRARY_PATH/libnrbac.so" | grep -vE 'linux-vdso|libc\.so|ld-linux' && { echo "libnrbac needs more than libc"; exit 1; }
"$work/usr/bin/nrbac" compile policy/national -o "$work/national.nrb" >/dev/null
"$work/check" "$work/national.nrb" R8000 B0820 B8029 B0570 | tee "$work/said"
grep -q 'B0820' "$work/said"

# libnrbac-verify: found by pkg-config, and says why where there are no settings.
cat >"$work/verify.c" <<'EOT'
#include <nrbac/verify.h>
#include <stdio.h>
int main(void)
{
    nrbac_verifier *verifier = NULL;
    nrbac_status status = nrbac_verifier_open("nowhere.yaml", &verifier);
    puts(nrbac_verifier_diagnostic(verifier, 0)->message);
    nrbac_verifier_close(verifier);
    return status == NRBAC_OK;
}
EOT
cc -std=c11 -Wall -Werror "$work/verify.c" -o "$work/verify" $(pkg-config --cflags --libs nrbac-verify)
"$work/verify" | grep -E 'does not exist|no JOSE library'

cat >"$work/CMakeLists.txt" <<'EOT'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(nrbac 0.1 REQUIRED)
add_executable(evaluate ${EXAMPLES}/evaluate.c)
target_link_libraries(evaluate PRIVATE nrbac::policy)
EOT
cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/usr" -DEXAMPLES="$PWD/engine/examples" >/dev/null
cmake --build "$work/build" >/dev/null
echo '{"subject": {"type": "healthcare-worker", "properties": {"profile": {"id": "1", "role": "R8000", "organisation": "RBA"}}},
       "action": {"name": "B0820"}}' >"$work/request.json"
"$work/build/evaluate" "$work/national.nrb" "$work/request.json" | grep '"granted-by-baseline"'
