# SPDX-License-Identifier: Apache-2.0
"""From the lines of bench/run to results.json, results.md, plots, and README's table.

    bench/report.py FOLDER [--quick]
    bench/report.py FOLDER --readme README.md
"""
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import textwrap

AUDIT = "audit mode: none, unless it is named"

# What is to be reached: what, (workload, measure, ours), what it is held against,
# at most or at least. Against a tuple: the ratio of the two; against None: as it is.
LIMIT, GLIB = "limit: bit", "GLib hash set, numbers"
WHOLE = "whole request, one core"
TARGETS = [
    ("prepared check, to a bare bit test, W1", ("W1", "check ns", "nrbac"), LIMIT, "<=", 1.5),
    ("prepared check, to a bare bit test, W2", ("W2", "check ns", "nrbac"), LIMIT, "<=", 1.5),
    ("prepared check, instructions", ("instructions", "instructions", "check"), None, "<=", 20),
    ("prepared check on the shared table, to a private one",
     ("W1", "check ns", "nrbac, shared table"), "nrbac", "<=", 1.2),
    ("check by name, to a code's hash and the bit", ("W1", "check by name ns", "nrbac"),
     "limit: code, bit", "<=", 1.5),
    ("check by name, instructions", ("instructions", "instructions", "check-by-name"), None, "<=", 55),
    ("user and activity as texts, to two hashes and the bit", ("W1", "check by texts ns", "nrbac"),
     "limit: user, code, bit", "<=", 1.5),
    ("GLib hash set, numbers in hand, to a prepared check", ("W1", "check ns", GLIB), "nrbac", ">=", 90),
    ("GLib hash set by texts, to a prepared check",
     ("W1", "check by texts ns", "GLib hash set, texts"), ("W1", "check ns", "nrbac"), ">=", 90),
    ("libsepol to a prepared check", ("W1", "check ns", "libsepol"), "nrbac", ">=", 700),
    ("SQLite to a prepared check", ("W1", "check ns", "SQLite, prepared"), "nrbac", ">=", 1000),
    ("open from CIS2 JSON text, to reading the text with jansson",
     ("W1", "open from text ns", "nrbac: text, open, check, close"), "limit: jansson reads it", "<=", 1.5),
    ("open from a neutral profile, ns", ("W1", "open ns", "nrbac: profile, check, close"), None, "<=", 500),
    ("socket, one core, depth 1: p50 to echo", ("W1", "one core 1x1 us.p50", "nrbac"), "limit: libuv echo", "<=", 1.2),
    ("socket, one core, depth 1: throughput to echo", ("W1", "one core 1x1 /s", "nrbac"), "limit: libuv echo", ">=", 0.85),
    ("socket, one core, depth 16: throughput to echo", ("W1", "one core 1x16 /s", "nrbac"), "limit: libuv echo", ">=", 0.65),
    ("socket, one core, depth 128: throughput to echo", ("W1", "one core 1x128 /s", "nrbac"), "limit: libuv echo", ">=", 0.45),
    ("socket, one core, depth 16: throughput to Redis", ("W1", "one core 1x16 /s", "nrbac"), "Redis", ">=", 2),
    ("socket, one core, depth 128: throughput to Redis", ("W1", "one core 1x128 /s", "nrbac"), "Redis", ">=", 4.8),
    ("socket, two cores, 8 x 128: throughput to echo", ("W1", "two cores 8x128 /s", "nrbac"), "limit: libuv echo", ">=", 0.5),
    ("socket, two cores, 8 x 128: throughput to Redis", ("W1", "two cores 8x128 /s", "nrbac"), "Redis", ">=", 6),
    ("daemon's processor time a request, depth 1, to echo", ("W1", "one core 1x1 server ns", "nrbac"), "limit: libuv echo", "<=", 1.2),
    ("daemon's processor time a request, depth 16, to echo", ("W1", "one core 1x16 server ns", "nrbac"), "limit: libuv echo", "<=", 1.8),
    ("daemon's processor time a request, depth 128, to echo", ("W1", "one core 1x128 server ns", "nrbac"), "limit: libuv echo", "<=", 3.5),
    ("a whole CIS2 request over the socket: throughput to Cerbos", ("W1", WHOLE + " 1x1 /s", "nrbac: a CIS2 document"), "Cerbos", ">=", 20),
    ("a whole CIS2 request over the socket: p99 to Cerbos", ("W1", WHOLE + " 1x1 us.p99", "nrbac: a CIS2 document"), "Cerbos", "<=", 0.05),
    ("p99.9 of 32 checks, replaced every 10 ms, to quiet",
     ("W1", "32 checks reloading us.p99.9", "nrbac"), ("W1", "32 checks quiet us.p99.9", "nrbac"), "<=", 1.3),
    ("p99.9 over the socket, replaced every 10 ms, to quiet",
     ("W1", "socket reloading 1x1 us.p99.9", "nrbac"), ("W1", "socket quiet 1x1 us.p99.9", "nrbac"), "<=", 1.3),
    ("a reload on the daemon's loop, instructions", ("instructions", "instructions", "reload-on-loop"), None, "<=", 100000),
    ("audit batched: checks one at a time, one core, to audit none",
     ("W1", "audit batched, one core 1x1 /s", "nrbac"), ("W1", "audit none, one core 1x1 /s", "nrbac"), ">=", 0.85),
    ("audit batched: whole CIS2 requests, one core, to audit none",
     ("W1", "audit batched, whole request, one core 1x1 /s", "nrbac: a CIS2 document"),
     ("W1", "audit none, whole request, one core 1x1 /s", "nrbac: a CIS2 document"), ">=", 0.85),
    ("audit sync: 64 connections, to one wait for the disk for each record",
     ("W1", "audit sync, two cores 64x1 /s", "nrbac"), ("W1", "audit sync, one core 1x1 /s", "nrbac"), ">=", 20),
    ("load of W1's image, ms", ("W1", "load ms", "nrbac"), None, "<=", 1),
    ("load of W2's image, ms", ("W2", "load ms", "nrbac"), None, "<=", 5),
    ("memory beside the users, W1, MB", ("W1", "load MB", "nrbac"), None, "<=", 1),
    ("memory beside the users, W2, MB", ("W2", "load MB", "nrbac"), None, "<=", 6),
    ("compile of 500 x 1,024 x 80 with the twin, ms",
     ("target", "growth compile ms", "500 x 1024 x 80, 0 functions"), None, "<=", 2000),
    ("daemon from start to first answer, W1, ms", ("W1", "daemon start ms", "nrbac"), None, "<=", 10),
    ("daemon's resident set, W1, MB", ("W1", "daemon MB", "nrbac"), None, "<=", 8),
]

CASBIN = ["Casbin, node", "Casbin, node, as published"]
# README's table: what, measure, unit, who, and the workload if it is not W1.
README_ROWS = [
    ("Is it allowed? A check on an open session", "check ns", "ns",
     ["nrbac", LIMIT, GLIB, "libsepol", "SQLite, prepared", "Casbin, node", "Cedar, WebAssembly"]),
    ("The same in the shape of Casbin's RBAC benchmark, large", "check ns", "ns", ["nrbac", LIMIT, GLIB, "SQLite, prepared", *CASBIN], "casbin-large"),
    ("The same in the shape of SAPL's hospital-300", "check ns", "ns", ["nrbac", LIMIT, GLIB, "SQLite, prepared"], "hospital-300"),
    ("The same by the activity's code as text", "check by name ns", "ns", ["nrbac", "limit: code, bit"]),
    ("Opening a session from a profile", "open ns", "ns", ["nrbac: profile, check, close"]),
    ("Opening one from the JSON that NHS CIS2 sends", "open from text ns", "ns",
     ["nrbac: text, open, check, close", "limit: jansson reads it"]),
    ("A check over the socket, round trip, median", "one core 1x1 us.p50", "µs", ["nrbac", "limit: libuv echo", "Redis"]),
    ("The same, slowest of 100", "one core 1x1 us.p99", "µs", ["nrbac", "limit: libuv echo", "Redis"]),
    ("Checks a second over one connection, 128 in flight", "one core 1x128 /s", "/s", ["nrbac", "limit: libuv echo", "Redis"]),
    ("A whole request over the socket, median", WHOLE + " 1x1 us.p50", "µs", ["nrbac: a CIS2 document", "Cerbos"]),
    ("A check over the socket, recorded (audit batched), median", "audit batched, one core 1x1 us.p50", "µs", ["nrbac"]),
    ("Recorded checks a second, 8 connections with 128 in flight (audit batched)", "audit batched, two cores 8x128 /s", "/s", ["nrbac"]),
    ("The same, each on disk before its answer (audit sync)", "audit sync, two cores 8x128 /s", "/s", ["nrbac"]),
    ("Loading the compiled policy", "load ms", "ms", ["nrbac"]),
    ("The daemon, from start to first answer", "daemon start ms", "ms", ["nrbac"]),
]


def read_lines(path):
    figures = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            workload, measure, contender, value, turn = line.rstrip("\n").split("\t")
            figures.setdefault((workload, measure, contender), []).append((int(turn), float(value)))
    return {key: [value for _, value in sorted(values, key=lambda one: one[0])] for key, values in figures.items()}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def ratios(ours, others):
    """Round by round where there are as many of both, else of the medians."""
    if len(ours) == len(others):
        return [a / b for a, b in zip(ours, others) if b]
    return [statistics.median(ours) / statistics.median(others)]


def judge(figures):
    judged = []
    for what, ours, against, kind, bound in TARGETS:
        other = ours[:2] + (against,) if isinstance(against, str) else against
        row = {"what": what, "kind": kind, "bound": bound, "measured": None, "reached": None}
        if ours in figures and (other is None or other in figures):
            values = figures[ours] if other is None else ratios(figures[ours], figures[other])
            if not values:
                raise SystemExit(f"bench: {other} is nothing")
            row["measured"] = spread(values)
            middle = row["measured"]["median"]
            row["reached"] = middle <= bound if kind == "<=" else middle >= bound
        judged.append(row)
    return judged


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def version_of(package):
    return output_of("dpkg-query", "-W", "-f", "${Version}", package)


def node_version(folder, package):
    try:
        with open(f"{folder}/node/node_modules/{package}/package.json", encoding="utf-8") as file:
            return json.load(file)["version"]
    except OSError:
        return ""


def machine(folder):
    about = {"system": output_of("sh", "-c", ". /etc/os-release && echo $PRETTY_NAME"), "kernel": platform.release(),
             "architecture": platform.machine(), "cores": os.cpu_count(), "compiler": output_of("gcc", "--version").split("\n")[0]}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        about["processor"] = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    with open("/proc/meminfo", encoding="utf-8") as file:
        about["memory_gib"] = round(int(file.readline().split()[1]) / 2**20)
    about["virtual"] = output_of("systemd-detect-virt") or "?"
    with open(f"{folder}/load", encoding="utf-8") as file:
        about["load_before"] = float(file.read().split()[0])
    return about


def peers(folder, figures):
    """Everybody that is to take part, with the version, and whether it did."""
    known = {
        GLIB: version_of("libglib2.0-0"), "GLib hash set, texts": version_of("libglib2.0-0"),
        "SQLite, prepared": version_of("libsqlite3-0"), "libsepol": version_of("libsepol2"),
        "Redis": version_of("redis-tools"), "limit: libuv echo": version_of("libuv1"),
        "Cerbos": node_version(folder, "@cerbos/cerbos-linux-x64"),
        "Cedar, WebAssembly": node_version(folder, "@cedar-policy/cedar-wasm"),
        "Casbin, node": node_version(folder, "casbin"), "Casbin, node, as published": node_version(folder, "casbin"),
    }
    there = {contender for _, _, contender in figures}
    return [{"name": name, "version": version, "took_part": name in there} for name, version in known.items()]


def number(value):
    if value is None:
        return "–"
    if value >= 1e9:
        return f"{value / 1e6:,.0f} M"
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def told(one):
    if one["rounds"] == 1 or one["min"] == one["max"]:
        return number(one["median"])
    return f"{number(one['median'])} [{number(one['min'])}..{number(one['max'])}]"


def about_run(results):
    m = results["machine"]
    return (f"{m['processor']}, {m['cores']} cores ({m['virtual']}), {m['memory_gib']} GiB, {m['system']}, kernel {m['kernel']}, "
            f"{m['compiler']}, load before it {m['load_before']}, {results['date']}{', quick' if results['quick'] else ''}; {AUDIT}")


def correctness(results):
    return (f"{number(results['asked'])} requests were asked; {results['wrong']:,} answers differ from the oracle's.")


def markdown(results):
    lines = ["# What was measured", "", about_run(results) + ".", "", correctness(results), "",
             "## What is to be reached", "",
             f"Medians of paired rounds, [min..max]; {AUDIT}.", "",
             "| what | measured | to be | reached |", "|---|---|---|---|"]
    for row in results["targets"]:
        bound = ("≤ " if row["kind"] == "<=" else "≥ ") + number(row["bound"])
        measured = "not measured" if row["measured"] is None else told(row["measured"])
        reached = {None: "", True: "yes", False: "**no**"}[row["reached"]]
        lines.append(f"| {row['what']} | {measured} | {bound} | {reached} |")
    lines += ["", "## Who took part", "", "| peer | version | |", "|---|---|---|"]
    lines += [f"| {p['name']} | {p['version'] or '?'} | {'' if p['took_part'] else '**missing**'} |" for p in results["peers"]]
    measures = {}
    for one in results["measures"]:
        measures.setdefault((one["workload"], one["measure"]), []).append(one)
    for workload in dict.fromkeys(one["workload"] for one in results["measures"]):
        lines += ["", f"## {workload}", "", f"Medians, [min..max]; {AUDIT}.", "", "| measure | who | value |", "|---|---|---|"]
        for (of, measure), rows in measures.items():
            if of == workload:
                lines += [f"| {measure} | {one['contender']} | {told(one)} |" for one in rows]
    return "\n".join(lines) + "\n"


# ---- Plots --------------------------------------------------------------------------------


def gnuplot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def plot_bars(folder, name, title, rows):
    """Horizontal bars on a logarithmic scale, shortest first, nrbac in its own colour."""
    if not rows:
        return
    rows = sorted(rows, key=lambda row: row[1], reverse=True)
    left = min(row[1] for row in rows) / 3
    data = "\n".join(f'"{row[0]}  {number(row[1])}" {row[1]} {2 if row[0].startswith("nrbac") else 1}' for row in rows)
    gnuplot(f"""
set terminal svg size 860,{90 + 28 * len(rows)} font "sans,13" background "white"
set output "{folder}/{name}.svg"
set title "{title}\\n{AUDIT}" noenhanced
set logscale x; set xrange [{left}:]; unset key; set style fill solid
set yrange [-0.7:{len(rows) - 0.3}]; set border 1; set ytics nomirror scale 0 noenhanced; set xtics nomirror
set linetype 1 lc rgb "#9aa7b5"; set linetype 2 lc rgb "#005eb8"
$data << EOD
{data}
EOD
plot $data using ({left}):0:({left}):2:($0-0.38):($0+0.38):3:ytic(1) with boxxyerror lc variable
""")


GROWTH = {  # series: which number of the size is drawn, and what is said of the rest
    "all": (0, "n", "n roles, 2n activities, n areas of work, 45 grants a role"),
    "roles": (0, "roles", "roles, with 1,024 activities, 40 grants a role"),
    "activities": (1, "activities", "activities, with 256 roles, 40 grants a role"),
    "areas": (2, "areas of work", "areas of work, with 2,048 roles and 512 activities, 45 grants a role"),
    "functions": (3, "functions", "functions of 7 atoms, with 300 roles and 350 activities"),
}
CURVES = [("build ms", "text to image, ms"), ("compile ms", "with the slow twin, ms"), ("image MB", "image, MB"),
          ("load ms", "load, ms"), ("open us", "open a session, µs"), ("check ns", "check, ns"),
          ("reload ms", "reload with 500 sessions, ms")]


def plot_growth(folder, figures, series):
    place, label, title = GROWTH[series]
    blocks, plots, tics = [], [], []
    for at, (measure, curve) in enumerate(CURVES):
        points = [(int(contender.split(" functions")[0].replace(", ", " x ").split(" x ")[place]), values[0])
                  for (workload, what, contender), values in figures.items()
                  if workload == series and what == f"growth {measure}"]
        if points:
            tics = max(tics, [x for x, _ in points], key=len)
            blocks.append(f"$d{at} << EOD\n" + "\n".join(f"{x} {y}" for x, y in points) + "\nEOD")
            plots.append(f'$d{at} using 1:2 with linespoints lw 2 pt 7 ps 0.5 title "{curve}"')
    if not plots:
        return
    gnuplot(f"""
set terminal svg size 860,480 font "sans,13" background "white"
set output "{folder}/growth-{series}.svg"
set title "{title}\\n{AUDIT}" noenhanced
set logscale xy; set xlabel "{label}"; set key outside right; set grid ytics lc rgb "#dddddd"
set xrange [{min(tics) / 1.3}:{max(tics) * 1.3}]; set xtics ({", ".join(map(str, tics))})
{chr(10).join(blocks)}
plot {", ".join(plots)}
""")


def plot(folder, figures):
    def rows(measure):
        return [(contender, statistics.median(values)) for (workload, what, contender), values in figures.items()
                if workload == "W1" and what == measure and "loop alone" not in contender]
    plot_bars(folder, "check", "W1: one check in process, ns", rows("check ns"))
    plot_bars(folder, "open", "W1: opening a session from CIS2's JSON text, ns", rows("open from text ns"))
    for depth in (1, 16, 128):
        plot_bars(folder, f"socket-{depth}", f"W1: server's processor time for a request, one core, {depth} in flight, ns",
                  rows(f"one core 1x{depth} server ns"))
    plot_bars(folder, "whole", "W1: a whole request over the socket, median, µs", rows(WHOLE + " 1x1 us.p50"))
    for series in GROWTH:
        plot_growth(folder, figures, series)


# ---- README -------------------------------------------------------------------------------


def readme_table(results):
    found = {(m["workload"], m["measure"], m["contender"]): m for m in results["measures"]}
    intro = (f"Measured by `bench/run` on {about_run(results)}. W1 is 300 roles, 350 activities and 10,000 users; "
             f"medians, [min..max]. {correctness(results)}")
    lines = [*textwrap.wrap(intro, 120), "", "| what | nrbac | beside it |", "|---|---|---|"]
    for what, measure, unit, who, *elsewhere in README_ROWS:
        of = elsewhere[0] if elsewhere else "W1"
        there = [(name, found[(of, measure, name)]) for name in who if (of, measure, name) in found]
        if not there or not there[0][0].startswith("nrbac"):
            continue
        beside = " · ".join(f"{name.replace('limit: ', 'limit ')} {number(one['median'])}" for name, one in there[1:])
        lines.append(f"| {what}, {unit} | **{told(there[0][1])}** | {beside} |")
    missing = [p["name"] for p in results["peers"] if not p["took_part"]]
    reached = [row["reached"] for row in results["targets"]]
    lines += ["", f"Of {len(reached)} aims, {reached.count(True)} were reached, {reached.count(False)} were not, and "
              f"{reached.count(None)} could not be measured" + (f"; missing: {', '.join(missing)}" if missing else "") + "."]
    return "\n".join(lines) + "\n"


def write_readme(path, results):
    begin, end = "<!-- bench/run --readme begins -->\n", "<!-- bench/run --readme ends -->\n"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + readme_table(results) + end + tail)


def main():
    folder = sys.argv[1]
    if "--readme" in sys.argv:
        with open(f"{folder}/results.json", encoding="utf-8") as file:
            write_readme(sys.argv[sys.argv.index("--readme") + 1], json.load(file))
        return
    figures = read_lines(f"{folder}/lines.tsv")
    for name in os.listdir(folder):
        if name.endswith(".svg"):
            os.remove(f"{folder}/{name}")
    results = {
        "audit_mode": "none", "quick": "--quick" in sys.argv, "machine": machine(folder),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "commit": output_of("git", "rev-parse", "--short", "HEAD"), "peers": peers(folder, figures),
        "asked": sum(sum(v) for k, v in figures.items() if k[1].endswith("asked")),
        "wrong": int(sum(sum(v) for k, v in figures.items() if k[1].endswith("wrong"))),
        "targets": judge(figures),
        "measures": [dict(workload=w, measure=m, contender=c, **spread(v)) for (w, m, c), v in figures.items()],
    }
    with open(f"{folder}/results.json", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1, ensure_ascii=False)
    with open(f"{folder}/results.md", "w", encoding="utf-8") as file:
        file.write(markdown(results))
    plot(folder, figures)
    print(readme_table(results))
    print(f"{folder}/results.md has all of it, {folder}/*.svg the plots")


main()
