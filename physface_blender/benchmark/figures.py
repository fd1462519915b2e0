"""What the simulator is measured by: the figures, their targets, and the page that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Aim:
    """What one figure means and what it should be.

    Attributes:
        meaning: in words.
        target: bound on the figure; None where the specification has none.
        at_least: whether the bound is one from below.
    """

    meaning: str
    target: float | None = None
    at_least: bool = False

    def reached(self, value: float | None) -> bool | None:
        """Return whether a value is as good as the target; None where either is missing."""
        if self.target is None or value is None:
            return None
        return value >= self.target if self.at_least else value <= self.target


AIMS = {
    "frame_2mm_warm_s": Aim("seconds per frame at 2 mm, no contact", 0.25),
    "frame_2mm_contact_s": Aim("seconds per frame at 2 mm with contact and friction", 1.0),
    "frame_2mm_warm_leaps_s": Aim("the same without contact where expressions leap, as in one frame of twenty"),
    "frame_2mm_contact_leaps_s": Aim("the same with contact and friction there"),
    "preview_4mm_fps": Aim("frames per second at 4 mm with contact and friction, to 0.05 mm", 15.0, at_least=True),
    "preview_4mm_leaps_fps": Aim("the same where expressions leap"),
    "network_only_fps": Aim("frames per second of the network alone", 30.0, at_least=True),
    "setup_2mm_s": Aim("seconds to make a character at 2 mm", 15.0),
    "setup_2mm_cached_s": Aim("the same with material space and rest shape in the cache"),
    "speedup_vs_local_global": Aim(
        "time of local–global over that of Newton–PCG: same K, kernels, start and residual", 5.0, at_least=True
    ),
    "growth_exponent": Aim("exponent of the time of a frame over the number of hexes, 1.3 to 6.8 mm, no contact", 1.3),
    "peak_memory_gb": Aim("gigabytes (10⁹) at most, 2 mm with contact, set-up from nothing included", 2.0),
    "contact_overhead": Aim("time of a frame at 2 mm with contact over that without"),
    "parallel_efficiency_2": Aim("speed-up by a second thread over two, 2 mm, no contact"),
    "peer_slab_60k_s": Aim(
        "seconds for the peer's slab of 60,258 hexes, from rest to a relative gradient of 3e-6", 1.5
    ),
    "solve_fraction_of_bandwidth": Aim("bandwidth that a solve reads the factor with, over that of reading alone"),
}
"""All figures by their names in the file, in the order of the page."""


def judged(name: str, value: float | None) -> dict[str, Any]:
    """Return a figure as it goes into the file.

    Args:
        name: one of ``AIMS``.
        value: what was measured; None where this machine cannot tell.
    """
    aim = AIMS[name]
    rounded = None if value is None else float(f"{value:.4g}")
    return {"value": rounded, "target": aim.target, "reached": aim.reached(rounded)}


def page(document: dict[str, Any]) -> str:
    """Return the measurements as a page in Markdown.

    Args:
        document: as it goes into the file: the figures, and command, date, machine, frames.
    """
    machine = document["machine"]
    lines = [
        "# The simulator's speed",
        "",
        f"Made by `{document['command']}` on {document['date']}: {machine['processor']}, {machine['threads']} threads, "
        f"load average {machine['load_average']} at the start. {document['frames']}. Frames begin at the one before, "
        "nothing is compiled while the clock runs, medians. Means, slowest tenths, iterations and all else are in "
        "[simulation.json](simulation.json).",
        "",
        "| figure | measured | target | |",
        "|---|---|---|---|",
    ]
    marks = {True: "reached", False: "**missed**", None: ""}
    for name, aim in AIMS.items():
        figure = document[name]
        bound = "" if aim.target is None else f"{'≥' if aim.at_least else '≤'} {aim.target:g}"
        value = "not measurable here" if figure["value"] is None else f"{figure['value']:.3g}"
        lines.append(f"| {aim.meaning} | {value} | {bound} | {marks[figure['reached']]} |")
    return "\n".join(lines) + "\n"
