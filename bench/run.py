#!/usr/bin/env python3
"""Runs the benchmarks, which scripts/bench.sh has built: see bench/README.md.

    run.py --build FOLDER --peers FOLDER [--nginx PROGRAM] [--quick] [--only NAME...] [--workload WORK...] [--list]

Prints one table and writes results.json and charts/*.png into the build folder. Ends with 1 where the run is
unsound: a program missing or failing, unequal counters, a server that was the bottleneck where that matters. A goal
that is missed is a result.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from driver import machine
from driver.alone import HELD, Alone
from driver.clients import read_clients
from driver.compare import FULL, QUICK, WORKS, Comparison
from driver.goals import VERDICTS, goals
from driver.report import table
from driver.servers import LoadServer, Nginx

HERE = Path(__file__).resolve().parent
MOST_BUSY = 0.1  # without a note
SECTIONS = ("latency", "memory", "startup", "threads", "allocations", "instructions", "micro")


def parse():
    parser = argparse.ArgumentParser(add_help=True)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--peers", type=Path, required=True)
    parser.add_argument("--nginx")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; about twenty minutes")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of clients")
    parser.add_argument("--workload", nargs="+", default=[], metavar="WORK")
    parser.add_argument("--list", action="store_true", help="the names of both")
    return parser.parse_args()


def check_names(given, known, what):
    for name in given:
        if name not in known:
            sys.exit(f"error: no {what} {name}; there are {', '.join(known)}")


def results_name(options):
    """Those of a part do not replace those of the whole."""
    return "results-part.json" if options.only or options.workload else "results.json"


def say(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:110]}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def compare(options, works, compared, server_core, folder):
    """The works over all transports, one server at a time."""
    def of(transport):
        return [work for work in works if transport in work.transports]

    for kind in ("tls", "plain", "tickets"):
        if of(kind):
            with LoadServer(options.build, folder, server_core, kind) as server:
                compared.add(of(kind), kind, server, server.url)
    if of("nginx_tls"):
        if not options.nginx:
            compared.problems.append("nginx: --nginx was not given")
            return
        recorded = {work.path: work.unit == "chunk" for work in of("nginx_tls")}
        with LoadServer(options.build, folder, server_core, "plain") as source:
            nginx = Nginx(options.nginx, folder / "nginx", server_core, source.url, recorded)
        with nginx:
            compared.add(of("nginx_tls"), "nginx_tls", nginx, nginx.tls_url)
            compared.add(of("nginx_plain"), "nginx_plain", nginx, nginx.url)


def main():
    options = parse()
    clients, missing = read_clients(HERE / "peers.json", options.build, options.peers)
    names = [client.name for client in clients]
    work_names = [work.name for work in WORKS] + list(SECTIONS)
    if options.list:
        print("clients:  ", ", ".join(names))
        print("workloads:", ", ".join(work_names))
        return 0
    check_names(options.only, names, "client")
    check_names(options.workload, work_names, "workload")
    if options.only:
        clients = [client for client in clients if client.name in options.only]
        missing = [each for each in missing if each.split(" (")[0] in options.only]
    if missing:
        print("error: these are missing, and nothing is left out in silence; see bench/peers/install.sh:", file=sys.stderr)
        print("\n".join(f"    {each}" for each in missing), file=sys.stderr)
        return 1

    folder = options.build / "run"
    folder.mkdir(exist_ok=True)
    with machine.alone_in(folder):
        return measure(options, clients, folder)


def measure(options, clients, folder):
    """What was asked for, from the first client to the charts; tells the exit status."""
    effort = QUICK if options.quick else FULL
    server_core, client_cores = machine.cores()
    (options.build / results_name(options)).unlink(missing_ok=True)
    described = machine.describe() | {"busy": machine.busy()}
    began = time.monotonic()

    def wanted(name):
        return not options.workload or name in options.workload

    if wanted("latency") or wanted("memory"):
        machine.allow_files(max(HELD) + 500)
    compared = Comparison(clients, effort, client_cores[0], say)
    if described["busy"] > MOST_BUSY:
        compared.notes.append(f"other programs used {described['busy']:.0%} of the machine before it began")
    alone = Alone(options.build, folder, effort, server_core, client_cores, say)

    def attempt(what, function, *arguments):
        """What was measured before something broke is told all the same."""
        try:
            function(*arguments)
        except (Exception, SystemExit) as failure:
            compared.problems.append(f"{what}: {type(failure).__name__}: {failure}")

    works = [work for work in WORKS if wanted(work.name)]
    attempt("the comparison", compare, options, works, compared, server_core, folder)
    for section in SECTIONS:
        if not wanted(section) or (options.only and "regolo" not in options.only):
            continue
        arguments = [clients] if section == "startup" else []
        attempt(section, getattr(alone, section), *arguments)
    say("")
    seconds = time.monotonic() - began
    return finish(options, compared, alone, described, seconds)


def finish(options, compared, alone, described, seconds):
    problems = compared.problems + alone.problems
    found = goals(compared, alone)
    results = {
        "quick": options.quick,
        "machine": described,
        "seconds": seconds,
        "series": [series.as_json() for series in compared.series.values()],
        "alone": [{"key": key, "told": told} for key, told in alone.told.items()],
        "orders": [
            {"transport": transport, "work": work, "rounds": rounds}
            for (transport, work), rounds in compared.orders.items()
        ],
        "goals": [goal.as_json() for goal in found],
        "problems": problems,
        "notes": compared.notes,
    }
    written = options.build / results_name(options)
    written.write_text(json.dumps(results, indent=1))
    print(f"{described['processor']}, {described['cores']} cores, Linux {described['kernel']};"
          f" {seconds / 60:.1f} minutes; {described['busy']:.0%} busy before it")  # fmt: skip
    print("\n".join(table(compared, alone)))
    print(f"\nAll figures: {written}")
    verdicts = [goal.verdict for goal in found]
    print("Goals: " + ", ".join(f"{verdicts.count(each)} {each}" for each in VERDICTS))
    for note in compared.notes:
        print(f"Note: {note}")
    for problem in problems:
        print(f"UNSOUND: {problem}")

    from driver.charts import draw  # after the table: it takes a while

    charts = options.build / ("charts-part" if written.stem.endswith("part") else "charts")
    draw(compared, alone, charts)
    print(f"Charts: {charts}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
