"""``fit-scan``: a character from a scan, with its Blender file, pictures and a report."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..backend.assets import FaceAssets
from ..backend.character import CharacterSettings
from ..backend.fitted_character import FittedCharacter, ScanRequest, fit_character
from ..backend.identity_file import save_identity
from ..backend.settings import default_cache_directory
from ..fitting.scan_file import read_scan
from ..fitting.scan_to_face import COVERED_MM
from ..performance.arkit import ARKIT_NAMES, expression
from .bound_files import write_bound
from .console import Console
from .errors import DemoError
from .fit_output import portray, prepared_folder, read_landmarks
from .fit_pictures import write_scan_pictures
from .report import surroundings

BOUND_POSES = {
    "at rest": expression(),
    "jaw open": expression(jawOpen=0.7),
    "smile": expression(mouthSmileLeft=0.9, mouthSmileRight=0.9),
    "pucker": expression(mouthPucker=0.9),
}


@dataclass(frozen=True)
class FitScanOptions:
    """What is fitted, and where to.

    Attributes:
        scan: an OBJ, PLY or STL file.
        out: the folder of the results.
        landmarks: a JSON file with 68 points of the scan; None finds the face without.
        mirror: fit the mirror image of the scan.
        at_rest: the scan shows no expression.
        bind: let the scan itself ride on the character.
        parts: with ``bind``, more meshes in the frame of the scan by kind, see ``bound_mesh.PART_KINDS``.
        resolution_mm: edge of the hexahedra.
        cache_directory: where material spaces are kept.
    """

    scan: Path
    out: Path
    landmarks: Path | None = None
    mirror: bool = False
    at_rest: bool = False
    bind: bool = False
    parts: Mapping[str, Path] = field(default_factory=dict)
    resolution_mm: float = 4.0
    cache_directory: Path = field(default_factory=default_cache_directory)


def run_fit_scan(options: FitScanOptions, command: Sequence[str], console: Console) -> int:
    """Fit a scan; writes identity.npz, fit.blend, fit.png, portraits.png and report.json, and returns 0.

    Raises:
        FittingError: the scan cannot be read or holds no face.
        DemoError: the options cannot be followed.
        StudioError: Blender could not make the pictures.
    """
    request = ScanRequest(
        path=options.scan,
        landmarks=None if options.landmarks is None else read_landmarks(options.landmarks, 3),
        mirror=options.mirror,
        at_rest=options.at_rest,
        bind=options.bind,
        parts=options.parts,
    )
    read_scan(options.scan)  # what is no scan leaves no folder behind
    folder = prepared_folder(options.out)
    assets = FaceAssets.load()
    settings = CharacterSettings(resolution_mm=options.resolution_mm)
    assets.space(options.resolution_mm, options.cache_directory)

    def progress(share: float, text: str) -> bool:
        console.progress(f"{text}: {100 * share:.0f} %")
        return True

    began = time.perf_counter()
    made = fit_character(request, assets, settings, options.cache_directory, progress)
    seconds = time.perf_counter() - began
    fitted, fitter, character, identity = made.fitted, made.fitter, made.character, made.identity
    save_identity(folder / "identity.npz", identity)
    console.say(f"The face was found and fitted in {seconds:.0f} s.")
    face = fitter.points.face
    shown = made.distances
    write_scan_pictures(folder / "fit.png", assets.template, fitted.scan, made.posed.skin, shown)
    poses = {
        "at rest": expression(),
        "as scanned": fitted.parameters.expression,
        "jaw open": expression(jawOpen=0.7),
        "smile": expression(mouthSmileLeft=0.9, mouthSmileRight=0.9, cheekSquintLeft=0.5, cheekSquintRight=0.5),
    }
    intersections = portray(character, assets.template, poses, folder, options.scan.name, console)
    bound_mm = None if made.bound is None else _write_bound(made, folder)
    strongest = np.argsort(-fitted.parameters.expression)[:6]
    report = {
        "s2m_mm": _figures(shown[face]),
        "s2m_of_model_mm": _figures(fitter.compared(fitted.scan, fitted.skin_of_model)[face]),
        "s2m_before_simulation_mm": _figures(fitted.distances[face]),
        "covered": round(float((shown[face] < COVERED_MM).mean()), 3),
        "unit": fitted.unit or "none",
        "was_inside_out": fitted.was_inside_out,
        "scan_vertices": len(made.scan.vertices),
        "scan_to_model": np.round(fitted.to_model, 6).tolist(),
        "expression": {ARKIT_NAMES[i]: round(float(fitted.parameters.expression[i]), 3) for i in strongest},
        "residual_max_mm": round(float(np.linalg.norm(identity.residual, axis=1).max()), 3),
        "residual_share": made.residual_share,
        "intersections": intersections,
        "bound_moved_mm": bound_mm,
        "seconds": round(seconds, 2),
        "seconds_by_step": {name: round(value, 2) for name, value in fitted.seconds.items()},
        **surroundings(command),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    if fitted.was_inside_out:
        console.say("The scan's faces looked inward. If the face is the wrong way round, fit it again with --mirror.")
    console.say(
        f"{folder}: scan to fit {report['s2m_mm']['mean']:.2f} mm on average (95 %: {report['s2m_mm']['p95']:.2f} mm), "
        f"unit {report['unit']}, {intersections} intersections."
    )
    return 0


def _write_bound(made: FittedCharacter, folder: Path) -> dict[str, float]:
    """Write the scan riding on the character in some poses; how far it moved in each, mm."""
    poses = {"as it came": made.posed}
    poses |= {label: made.character.pose(weights) for label, weights in BOUND_POSES.items()}
    moved = write_bound(folder, made.bound, poses)
    return {label: round(value, 6) for label, value in moved.items()}


def _figures(distances: np.ndarray) -> dict[str, float]:
    known = distances[np.isfinite(distances)]
    if not len(known):
        raise DemoError("Nothing of the fitted face can be compared with the scan.")
    return {"mean": round(float(known.mean()), 4), "p95": round(float(np.percentile(known, 95)), 4)}
