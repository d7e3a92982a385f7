#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs each fuzzer for some seconds, from its kept corpus and from what the
# repository holds: tests/fuzz/run.sh [SECONDS]. What crashes is left in build-fuzz/.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-10}
cmake -C .presets/fuzz.cmake -S . -B build-fuzz >/dev/null
cmake --build build-fuzz -j "$(nproc)" --target frame_fuzz image_fuzz policy_fuzz recall_fuzz ring_fuzz subject_fuzz token_fuzz certificate_fuzz trail_fuzz write_trail nrbac >build-fuzz/build.log 2>&1 ||
    { tail -n 40 build-fuzz/build.log; exit 1; }

work=build-fuzz/corpus
rm -rf "$work"
mkdir -p "$work/frame" "$work/image" "$work/policy" "$work/recall" "$work/ring" "$work/subject" "$work/token" "$work/certificate" "$work/trail"
for folder in tests/fuzz/seed $(tests/policy/folders.sh); do
    build-fuzz/bin/nrbac compile "$folder" -o "$work/image/$(basename "$folder").nrb" >/dev/null 2>&1
done
find tests/fuzz/seed policy/examples tests/broken -name '*.yaml' -size -8k | while read -r file; do
    cp "$file" "$work/policy/$(echo "$file" | tr / _)"
done
for file in policy/national/subjects/*.json; do
    printf '{"subject": %s, "action": {"name": "B0820"}}' "$(cat "$file")" >"$work/subject/$(basename "$file")"
done
written=$(mktemp -d)
build-fuzz/tests/write_trail "$written" >/dev/null && mv "$written/trail" "$work/trail/"
rm -r "$written"

for target in frame image policy recall ring subject token certificate trail; do
    kept=tests/fuzz/corpus/$target
    build-fuzz/fuzz/${target}_fuzz -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build-fuzz/$target-" -print_final_stats=1 "$work/$target" $([ -d "$kept" ] && echo "$kept") \
        >"build-fuzz/$target.log" 2>&1 || { tail -n 60 "build-fuzz/$target.log"; exit 1; }
    echo "ran $target: $(sed -n 's/^stat::number_of_executed_units: //p' "build-fuzz/$target.log") inputs"
done
