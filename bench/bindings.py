# SPDX-License-Identifier: Apache-2.0
"""Runs the bench of every binding and writes one table of what they say.

    bindings.py OUT      OUT/bindings.json and OUT/bindings.md

Each bindings/LANGUAGE/bench prints lines of LANGUAGE, what, and its nanoseconds a call as median, least and most of its rounds,
with tabs between them.
"""
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EMPTY, PREPARED = "empty native call", "prepared check"
WHATS = [EMPTY, PREPARED, "check by text", "check_many of 16"]
AIM = 1.5


def measured(script):
    """{what: {ns, min, max}} of one binding; None after saying that it failed."""
    done = subprocess.run([script], stdout=subprocess.PIPE, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        parts = line.split("\t")
        if len(parts) == 5:
            found[parts[1]] = dict(zip(("ns", "min", "max"), map(float, parts[2:])))
    missing = [what for what in WHATS if what not in found]
    if done.returncode != 0 or missing:
        print(f"FAILED: {script.relative_to(ROOT)}: status {done.returncode}, without {missing}", file=sys.stderr)
        return None
    return found


def table(results):
    heads = ["ns a call, median of the rounds (least to most)", *WHATS, f"{PREPARED} / {EMPTY}", f"aim {AIM}"]
    rows = [heads, ["---", *["---:"] * (len(heads) - 2), "---"]]
    for language, found in results.items():
        ratio = found[PREPARED]["ns"] / found[EMPTY]["ns"]
        cells = [f"{one['ns']:.1f} ({one['min']:.1f} to {one['max']:.1f})" for one in (found[what] for what in WHATS)]
        rows.append([language, *cells, f"{ratio:.2f}", "met" if ratio <= AIM else "missed"])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(out):
    results = {script.parent.name: measured(script) for script in sorted((ROOT / "bindings").glob("*/bench"))}
    sound = {language: found for language, found in results.items() if found is not None}
    out.mkdir(parents=True, exist_ok=True)
    (out / "bindings.json").write_text(json.dumps(sound, indent=2) + "\n")
    (out / "bindings.md").write_text(table(sound))
    print(table(sound), end="")
    return 0 if sound and len(sound) == len(results) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
