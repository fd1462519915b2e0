"""The page and the arrays of the picture that tell what fitting through contact did."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..anatomy.template import Template
from ..simulation.intersections import intersecting_pairs
from .captured_mouth import CapturedMouth
from .contact_fit import ContactFit

ROWS = {
    "shipped": "shipped weights, simulated without contact",
    "free": "(a) trained through the simulation without contact, no contact",
    "contact": "(b) the same weights, contact switched on",
    "fitted": "(c) trained on through contact, contact on",
    "control": "control: trained on without contact, contact on",
}

TEXT = """# Fitting through contact

Made by `{command}`, {minutes:.1f} minutes of processor time ({machine}, {date}); the picture
by the same command.

The experiment of figure 16 of paper 001. The capture is **synthetic**: the linear shapes of ICT-FaceKit under weights of a
real take that the shipped weights never saw (`{take}`), on an identity that they did see. Like captures of people it lets
lips pass through each other: {target_pairs} pairs of lip triangles intersect in these {count} frames. They are the ones
that close the lips hardest; {held} of them are held out, and not trained on.

The network's expression field is first trained through the simulation without contact ({passes} passes over the frames),
as in the paper. Then contact is switched on, and the same weights are trained on in two ways: through contact, and, to
tell what contact has to do with it, without. Cells of {resolution:g} mm.

Mean distance from skin to capture in millimeters, and pairs of lip triangles that intersect:

| | lips, fitted | lips, held out | face, fitted | face, held out | pairs |
|---|---|---|---|---|---|
{rows}

At the lips of the fitted frames contact changes the error by {raised:+.3f} mm, and fitting through it by
{lowered:+.3f} mm; the control ends at {control:.3f} mm, against {fitted:.3f} mm.

Mean error at the lips of the fitted frames before each step, by pass (with contact for "through contact" alone):

| pass | {heads} |
|---|{rules}|
{curves}

Poses that did not converge: {failures}. Steps of training left out because a pose had no derivatives: {skipped}.

![Capture, without contact, with contact, and fitted through contact](contact_fitting.png)

From left to right: the capture, (a), (b), (c); above the fitted frame that fitting through contact changes most, below
the held-out frame that it changes most. Red is an error of 2 mm. The inside of the mouth is not compared; a dark wall stands
for it.
"""


def lip_triangles(template: Template, vertices: np.ndarray) -> np.ndarray:
    """Return the triangles (T, 3) of the lips among compared vertices (P,), numbered as these are."""
    triangles = _among(template.meshes["skin"].triangles, vertices)
    lips = np.maximum(template.regions["upper_lip"], template.regions["lower_lip"])[vertices] > 0.5
    return triangles[lips[triangles].all(axis=1)]


def write_arrays(
    path: Path, template: Template, fit: ContactFit, capture: CapturedMouth, rest: np.ndarray, held_out: np.ndarray
) -> None:
    """Write what the picture is made of.

    Args:
        path: the npz.
        template: gives the quads of the skin.
        fit: the outcome.
        capture: what was compared with.
        rest: (P, 3) the compared vertices at rest.
        held_out: (T,) frames that were not trained on.
    """
    change = np.linalg.norm(fit.errors["fitted"].skins - fit.errors["contact"].skins, axis=2).max(axis=1)
    frames = [int(np.argmax(np.where(held_out == held, change, -1.0))) for held in (False, True)]
    skins = {name: fit.errors[name].skins[frames] for name in ("free", "contact", "fitted")}
    path.parent.mkdir(parents=True, exist_ok=True)
    faces = _among(template.meshes["skin"].faces, capture.vertices)
    np.savez(path, faces=faces, target=rest + capture.displacements[frames], **skins)


def write_page(
    path: Path,
    template: Template,
    fit: ContactFit,
    capture: CapturedMouth,
    rest: np.ndarray,
    held_out: np.ndarray,
    facts: dict[str, str | float],
) -> None:
    """Write the page.

    Args:
        path: the Markdown file.
        template: gives the triangles of the lips.
        fit: the outcome.
        capture: what was compared with.
        rest: (P, 3) the compared vertices at rest.
        held_out: (T,) frames that were not trained on.
        facts: `command`, `minutes`, `machine`, `date`, `take`, `passes`, `resolution`.
    """
    triangles = lip_triangles(template, capture.vertices)

    def pairs(skins: np.ndarray) -> int:
        groups = np.zeros(len(triangles), dtype=np.int64)
        return sum(len(intersecting_pairs(skin, triangles, groups, np.array([[True]]))) for skin in skins)

    rows = []
    for name, text in ROWS.items():
        errors = fit.errors[name]
        cells = [errors.lips[~held_out], errors.lips[held_out], errors.face[~held_out], errors.face[held_out]]
        figures = " | ".join(f"{cell.mean():.3f}" for cell in cells)
        rows.append(f"| {text} | {figures} | {pairs(errors.skins)} |")
    mean = {name: float(errors.lips[~held_out].mean()) for name, errors in fit.errors.items()}
    heads = {"before": "without contact", "fitted": "then through contact", "control": "or on without"}
    curves = [
        f"| {number} | " + " | ".join(f"{error:.3f}" for error in errors) + " |"
        for number, errors in enumerate(zip(*(fit.curves[name] for name in heads), strict=True), start=1)
    ]
    path.write_text(
        TEXT.format(
            **facts,
            target_pairs=pairs(rest + capture.displacements),
            count=len(held_out),
            held=int(held_out.sum()),
            rows="\n".join(rows),
            raised=mean["contact"] - mean["free"],
            lowered=mean["fitted"] - mean["contact"],
            control=mean["control"],
            fitted=mean["fitted"],
            heads=" | ".join(heads.values()),
            rules="|".join("---" for _ in heads),
            curves="\n".join(curves),
            failures=sum(errors.not_converged for errors in fit.errors.values()),
            skipped=sum(fit.skipped.values()),
        ),
        encoding="utf-8",
    )


def _among(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Return the faces (F, 3 or 4) with all their vertices among those kept (P,), renumbered; -1 stays -1."""
    number = np.full(faces.max() + 1, -2)
    number[vertices[vertices < len(number)]] = np.flatnonzero(vertices < len(number))
    renumbered = np.where(faces >= 0, number[np.maximum(faces, 0)], -1)
    return renumbered[(renumbered >= -1).all(axis=1)]
