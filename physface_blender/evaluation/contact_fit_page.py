"""The page and the arrays of the picture that tell what fitting through contact did."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from ..anatomy.template import Template
from .captured_mouth import CapturedMouth
from .contact_fit import ContactFit
from .lip_crossings import crossing_count, faces_among, lip_triangles

ROWS = {
    "given": "{weights}, simulated without contact",
    "free": "(a) trained through the simulation without contact, no contact",
    "contact": "(b) the same weights, contact switched on",
    "fitted": "(c) trained on through contact, contact on",
    "control": "control: trained on without contact, contact on",
}

TEXT = """# {title}

Made by `{command}`, {minutes:.1f} minutes of processor time ({machine}, {date}); the picture by the same command.

The experiment of figure 16 of paper 001. {capture} Like captures of people it lets lips pass through each other:
{target_pairs} pairs of lip triangles intersect in these {count} frames. They are {chosen}; {held} of them are held out, and
not trained on.

{trained} first trained through the simulation without contact ({passes} passes over the frames), as in the paper. Then
contact is switched on, and the same weights are trained on in two ways: through contact, and, to tell what contact has to do
with it, without. Cells of {resolution:g} mm.

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

![Capture, without contact, with contact, and fitted through contact]({picture})

From left to right: the capture, (a), (b), (c); above the fitted frame that fitting through contact changes most, below
the held-out frame that it changes most. Red is an error of 2 mm. The inside of the mouth is not compared; a dark wall stands
for it.{end}
"""
LINE = 125
"""Letters in a line of the page."""


def write_arrays(
    path: Path, template: Template, fit: ContactFit, capture: CapturedMouth, rest: np.ndarray, picture: Path
) -> None:
    """Write what the picture is made of.

    Args:
        path: the npz.
        template: gives the quads of the skin.
        fit: the outcome.
        capture: what was compared with.
        rest: (P, 3) the compared vertices at rest.
        picture: where the picture goes.
    """
    change = np.linalg.norm(fit.errors["fitted"].skins - fit.errors["contact"].skins, axis=2).max(axis=1)
    frames = [int(np.argmax(np.where(capture.held_out == held, change, -1.0))) for held in (False, True)]
    skins = {name: fit.errors[name].skins[frames] for name in ("free", "contact", "fitted")}
    path.parent.mkdir(parents=True, exist_ok=True)
    faces = faces_among(template.meshes["skin"].faces, capture.vertices)
    np.savez(path, picture=str(picture), faces=faces, target=rest + capture.displacements[frames], **skins)


def write_page(
    path: Path,
    template: Template,
    fit: ContactFit,
    capture: CapturedMouth,
    rest: np.ndarray,
    facts: dict[str, str | float],
) -> None:
    """Write the page.

    Args:
        path: the Markdown file.
        template: gives the triangles of the lips.
        fit: the outcome.
        capture: what was compared with.
        rest: (P, 3) the compared vertices at rest.
        facts: `command`, `minutes`, `machine`, `date`, `passes`, `resolution`, and the words of a `ContactSubject`.
    """
    triangles, held_out = lip_triangles(template, capture.vertices), capture.held_out

    def pairs(skins: np.ndarray) -> int:
        return sum(crossing_count(skin, triangles) for skin in skins)

    rows = []
    for name, text in ROWS.items():
        errors = fit.errors[name]
        cells = [errors.lips[~held_out], errors.lips[held_out], errors.face[~held_out], errors.face[held_out]]
        figures = " | ".join(f"{cell.mean():.3f}" for cell in cells)
        rows.append(f"| {text.format(**facts)} | {figures} | {pairs(errors.skins)} |")
    mean = {name: float(errors.lips[~held_out].mean()) for name, errors in fit.errors.items()}
    heads = {"before": "without contact", "fitted": "then through contact", "control": "or on without"}
    curves = [
        f"| {number} | " + " | ".join(f"{error:.3f}" for error in errors) + " |"
        for number, errors in enumerate(zip(*(fit.curves[name] for name in heads), strict=True), start=1)
    ]
    page = TEXT.format(
        **facts,
        target_pairs=pairs(rest + capture.displacements),
        count=len(held_out),
        held=int(held_out.sum()),
        picture=path.with_suffix(".png").name,
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
    )
    path.write_text(_filled(page), encoding="utf-8")


def _filled(page: str) -> str:
    """Return the page with its paragraphs in lines of even length."""
    blocks = page.strip().split("\n\n")
    filled = [
        block
        if block.startswith(("|", "#", "!"))
        else textwrap.fill(block, LINE, break_on_hyphens=False, break_long_words=False)
        for block in blocks
    ]
    return "\n\n".join(filled) + "\n"
