"""Pictures of a run, as PNG files."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402: the backend comes first

from .compare import WORKS  # noqa: E402
from .goals import goals  # noqa: E402
from .report import TRANSPORTS  # noqa: E402
from .spread import number  # noqa: E402

COLOURS = {"regolo": "#c0392b", "floor": "#7f8c8d", "c++": "#2980b9", "sdk": "#d4a017"}
MINE, CURLS, FLOORS = COLOURS["regolo"], COLOURS["c++"], COLOURS["floor"]
CROWD_COLOURS = {"regolo": MINE, "curl": CURLS, "epoll": FLOORS}


def save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(folder / f"{name}.png", dpi=110)
    pyplot.close(figure)


def comparison_charts(compared, folder):
    """For each work and transport a bar for each client, the cheapest first. The scale is logarithmic where it has to be."""
    for transport, title in TRANSPORTS.items():
        for work in WORKS:
            here = [s for (t, name, _), s in compared.series.items() if (t, name) == (transport, work.name)]
            if not here:
                continue
            here.sort(key=lambda s: -s.spread().median)
            spreads = [s.spread() for s in here]
            figure, axes = pyplot.subplots(figsize=(8, 0.7 + 0.38 * len(here) + 0.7))
            errors = [[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]]
            axes.barh([s.client for s in here], [s.median for s in spreads], xerr=errors, capsize=2,
                      color=[COLOURS[s.kind] for s in here])  # fmt: skip
            biggest = spreads[0].median
            logarithmic = biggest > 30 * spreads[-1].median
            if logarithmic:
                axes.set_xscale("log")
                axes.set_xlim(right=biggest * 4)
            else:
                axes.set_xlim(0, biggest * 1.18)
            for at, told in enumerate(spreads):
                axes.annotate(number(told.median), (told.high, at), xytext=(6, 0), textcoords="offset points",
                              va="center", fontsize=8)  # fmt: skip
            axes.set_title(f"{work.name} {title}")
            axes.set_xlabel(f"CPU time of the client, us per {work.unit}" + (" (logarithmic)" if logarithmic else ""))
            save(figure, folder, f"{work.name}-{transport}")


def latency_chart(alone, folder):
    keys = [key for key in alone.told if key[0] == "crowd"]
    if not keys:
        return
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name in sorted({key[1] for key in keys}):
        counts = sorted(int(key[2]) for key in keys if key[1] == name)
        for what, style, label in (("p50", "-", "p50"), ("p99", "--", "p99"), ("p999", ":", "p99.9")):
            values = [alone.median(("crowd", name, str(count)), what) / 1000 for count in counts]
            axes.plot(counts, values, style, marker="o", markersize=3, color=CROWD_COLOURS[name], label=f"{name} {label}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("streams")
    axes.set_ylabel("us from the write to the user's hands")
    axes.set_title("Added latency over TLS 1.3")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8)
    save(figure, folder, "latency")


def memory_chart(alone, folder):
    keys = [key for key in alone.told if key[0] == "memory"]
    if not keys:
        return
    counts = sorted({int(key[3]) for key in keys})
    names = sorted({key[1] for key in keys})
    groups = [(count, kind, label) for count in counts
              for kind, label in (("tls", "full"), ("tickets", "resumed"), ("plain", "plain"))
              if any(key[2:] == (kind, str(count)) for key in keys)]  # fmt: skip
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        used = [(alone.median(("memory", name, kind, str(count)), "bytes_per_stream") or 0) / 1024
                for count, kind, _ in groups]  # fmt: skip
        places = [at + index * width for at in range(len(groups))]
        axes.bar_label(axes.bar(places, used, width, color=CROWD_COLOURS[name], label=name), fmt="%.0f", fontsize=8)
    axes.set_xticks([at + width * (len(names) - 1) / 2 for at in range(len(groups))])
    axes.set_xticklabels([f"{count}\n{label}" for count, _, label in groups])
    axes.set_ylabel("KiB per open stream")
    axes.set_title("Memory of the client")
    axes.legend()
    save(figure, folder, "memory")


def parser_chart(alone, folder):
    points = {}
    for key, told in alone.told.items():
        if key[0] == "micro" and key[1].startswith("sse/"):
            event, piece = (int(part.split(":")[1]) for part in key[1].split("/")[1:3])
            points.setdefault(event, []).append((piece, told[-1]["bytes_per_second"] / 1e9))
    if not points:
        return
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for event, line in sorted(points.items()):
        line.sort()
        axes.plot(*zip(*line), marker="o", label=f"events of {event} bytes")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("bytes per piece")
    axes.set_ylabel("GB/s")
    axes.set_title("SSE parser alone")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend()
    save(figure, folder, "sse_parser")


def goal_chart(compared, alone, folder):
    """How far each figure is from its bound: to the left of the line it is reached."""
    told = [goal for goal in goals(compared, alone) if goal.value is not None and goal.value > 0 and goal.bound]
    if not told:
        return
    far = [goal.bound / goal.value if goal.at_least else goal.value / goal.bound for goal in told]
    figure, axes = pyplot.subplots(figsize=(9, 0.8 + 0.27 * len(told) + 0.6))
    colours = ["#27ae60" if goal.reached else "#c0392b" for goal in told]
    axes.barh([f"{goal.group}: {goal.what}" for goal in told], far, color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel("of what the goal allows (logarithmic; left of the line: reached)")
    axes.set_title("Reach")
    save(figure, folder, "reach")


def draw(compared, alone, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    comparison_charts(compared, folder)
    latency_chart(alone, folder)
    memory_chart(alone, folder)
    parser_chart(alone, folder)
    goal_chart(compared, alone, folder)
