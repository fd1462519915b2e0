"""The report of a demo: figures of the frames that were played, and what they were played on."""

from __future__ import annotations

import datetime
import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from ..backend.played_performance import PlayedFrame
from ..simulation.state import Status

LIBRARIES = ("numpy", "scipy", "torch", "numba", "ipctk", "safetensors", "bpy")


def processor_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Version of Python, of the system and of every library that the demo runs on."""
    found = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def summarize(frames: Sequence[PlayedFrame]) -> dict[str, Any]:
    """The figures of the played frames, ready for JSON.

    Args:
        frames: at least one.
    """
    seconds = [frame.seconds for frame in frames]
    iterations = [frame.iterations for frame in frames]
    distances = [frame.minimum_distance_mm for frame in frames if math.isfinite(frame.minimum_distance_mm)]
    counts = [frame.intersections for frame in frames]
    without = [frame.intersections_without_contact for frame in frames]
    return {
        "frames": len(frames),
        "seconds_per_frame": {
            "median": round(float(np.median(seconds)), 4),
            "p90": round(float(np.percentile(seconds, 90)), 4),
        },
        "intersections": sum(count.total for count in counts),
        "intersections_by_kind": {
            kind: sum(getattr(count, kind) for count in counts)
            for kind in ("skin_skin", "skin_upper_teeth", "skin_lower_teeth")
        },
        "intersections_without_contact": sum(count.total for count in without),
        "lid_intersections": sum(frame.lid_intersections for frame in frames),
        "lid_intersections_without_contact": sum(frame.lid_intersections_without_contact for frame in frames),
        "frames_with_intersections_without_contact": sum(count.total > 0 for count in without),
        "minimum_distance_mm": min(distances, default=None),
        "max_jaw_rigidity_error_mm": max(frame.jaw_attachment_error_mm for frame in frames),
        "max_lower_teeth_rigidity_error_mm": max(frame.lower_teeth_error_mm for frame in frames),
        "max_skull_fixation_error_mm": max(frame.skull_attachment_error_mm for frame in frames),
        "iterations": {"median": float(np.median(iterations)), "max": max(iterations)},
        "residual": {"max": max(frame.residual for frame in frames)},
        "frames_not_converged": sum(frame.status is not Status.CONVERGED for frame in frames),
    }


def surroundings(command: Sequence[str]) -> dict[str, Any]:
    """What the figures were measured on, and when.

    Args:
        command: the words of the command line.
    """
    return {
        "cores": processor_count(),
        "processor": platform.processor() or platform.machine(),
        "versions": versions(),
        "command": " ".join(command),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def sentence(report: Mapping[str, Any]) -> str:
    """The report in a line, for the terminal."""
    rate = report["seconds_per_frame"]["median"]
    return (
        f"{report['frames']} frames at {report['resolution_mm']:g} mm ({report['hexes']} cells): {rate:.2f} s a frame, "
        f"{report['intersections']} intersections ({report['intersections_without_contact']} without contact), "
        f"jaw rigid within {report['max_jaw_rigidity_error_mm']:.3f} mm."
    )
