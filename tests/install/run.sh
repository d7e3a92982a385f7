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

# The check in line and the one that the library exports, in C++, say the same.
cat >"$work/inline.cc" <<'EOT'
#include <nrbac/nrbac.h>
int main(int argc, char **argv)
{
    bool (*volatile exported)(const nrbac_session *, nrbac_name) = nrbac_check;
    nrbac_engine *engine;
    nrbac_session *session;
    nrbac_profile profile = {};
    nrbac_request request = {};
    profile.role = "R8000";
    profile.organisation = "RBA";
    request.subject.type = NRBAC_HEALTHCARE_WORKER;
    request.subject.profiles = &profile;
    request.subject.profile_count = 1;
    if (argc < 2 || nrbac_engine_create(0, &engine) != NRBAC_OK ||
        nrbac_engine_load(engine, argv[1], nullptr) != NRBAC_OK)
        return 3;
    (void)nrbac_session_open(engine, &request, &session);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    bool may = nrbac_check(session, view) && exported(session, view);
    for (nrbac_name name = 0; name < 2000; name++)
        may = may && nrbac_check(session, name) == exported(session, name);
    nrbac_engine_stop(engine, true);
    may = may && !nrbac_check(session, view) && !exported(session, view);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    return may ? 0 : 1;
}
EOT
for how in -O0 -O2 "-O2 -DNRBAC_NO_INLINE"; do
    clang++ -std=c++17 -Wall -Wextra -Wpedantic -Wold-style-cast -Werror $how "$work/inline.cc" -o "$work/inline" \
        $(pkg-config --cflags --libs nrbac)
    "$work/inline" "$work/national.nrb" || { echo "checks disagree in C++, $how"; exit 1; }
done

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
