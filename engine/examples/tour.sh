#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets everything up, then shows the main job on real input: the public National
# RBAC data, and user records as NHS CIS2 sends them, decided by the command, by
# a C program through the library, and by a client of the daemon's socket.
set -eu
cd "$(dirname "$0")/../.."
engine/dist/setup.sh

bin=build/bin
here=$(mktemp -d)
daemon=
trap 'if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null || true; fi; rm -rf "$here"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
run() {
    printf '$ %s\n' "$*" | sed "s,$here/,,g"
    status=0
    "$@" || status=$?
    [ "$status" -le 1 ] || exit "$status" # 1 is an answer: no
}

say "1. The public National RBAC data is validated and compiled"
run $bin/nrbac validate policy/national
run $bin/nrbac compile policy/national -o "$here/national.nrb"

say "2. The command decides: Flo has a nurse's profile and a privacy officer's"
flo=policy/national/subjects/cis2-privacy-officer-and-nurse.json
run $bin/nrbac check "$here/national.nrb" --subject $flo --action B0360
run $bin/nrbac check "$here/national.nrb" --subject $flo --role-profile 555057996107 --action B0360
run $bin/nrbac explain "$here/national.nrb" --subject $flo --role-profile 555057996107 --action B0360
run $bin/nrbac explain "$here/national.nrb" --subject $flo --role-profile 555057996107 --action B8029

say "3. A C program decides through the library"
printf '{"subject": %s, "action": {"name": "B0360"}}' "$(cat $flo)" |
    sed 's/"properties": *{/"properties": {"role_profile": "555057996107", /' >"$here/request.json"
run $bin/example-evaluate "$here/national.nrb" "$here/request.json"

say "4. The daemon decides, asked over its socket"
$bin/nrbacd --policy "$here/national.nrb" --allow-example --audit "$here/trail" --socket "$here/nrbac.sock" 2>"$here/log" &
daemon=$!
tries=0
until [ -S "$here/nrbac.sock" ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$here/log" >&2; exit 3; }
    sleep 0.05
done
run $bin/nrbac query --socket "$here/nrbac.sock" --subject $flo --role-profile 555057996107 --action B0360
run $bin/nrbac query --socket "$here/nrbac.sock" --subject $flo --role-profile 555057996107 --action B8029
run $bin/nrbac query --socket "$here/nrbac.sock" --info

say "5. What the daemon decided is recorded, can be proved, and can be decided again"
run $bin/nrbac audit list "$here/trail"
run $bin/nrbac audit verify "$here/trail"
run $bin/nrbac audit replay "$here/trail" --policy "$here/national.nrb"

say "Now yours:"
cat <<'EOT'
  build/bin/nrbac what-can policy/national --role R8000
  build/bin/nrbac who-can policy/national B0572
  build/bin/nrbac test policy/examples/gp-practice
  build/bin/nrbac help

Copy policy/examples/gp-practice, change it, and run `nrbac validate` and
`nrbac test` on it. policy/README.md is for those who write policy;
engine/README.md for those who read the C.
EOT
