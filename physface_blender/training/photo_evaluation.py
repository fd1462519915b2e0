"""How well fits to landmarks of photos find people: synthetic photos of identities that training never saw.

``python -m physface_blender.training.photo_evaluation --data ../shared/data`` writes docs/evaluation/photos.md.
"""

from __future__ import annotations

import argparse
import datetime
import time
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ..anatomy.material_space import load_or_build
from ..anatomy.skin_parting import skin_parting
from ..anatomy.template import load_template
from ..fitting.bone_consistency import BoneConsistency
from ..fitting.face_model import FaceModel
from ..fitting.photo_fit import Camera, checked_landmarks, fit_photo
from ..fitting.similarity import apply, similarity_between
from ..networks.generalized import load_generalized
from .captures import CaptureSynthesizer, load_capture_source
from .fit_evaluation import FRAMES, MACHINE, Correspondence
from .generalized.evaluation import validation_frames
from .seeds import unseen_identities
from .template.face_source import read_face_source

SIZE = (800, 1000)
NOISE_PIXELS = 0.7

TEXT = """# Fits to photos

Made by `python -m physface_blender.training.photo_evaluation` on {date} ({machine}).

{count} of the 28 identities that training never saw, in frames of captures kept for validation, as *synthetic* photos of
{width} x {height} pixels: 68 landmarks of the capture seen by a camera of random direction (up to 35 degrees aside, 12 up
or down, 10 rolled) and distance (500 to 1500 mm), with {noise} pixels of noise. V2V is over the frontal face in the
expression of the photo, after the similarity that fits best, because a photo knows no size.

| | mean | worst |
|---|---|---|
| V2V after alignment | {v2v:.2f} mm | {worst:.2f} mm |
| the same of the mean face in the fitted expression | {mean:.2f} mm | {worst_mean:.2f} mm |
| landmarks | {pixels:.2f} pixels | {worst_pixels:.2f} pixels |
| bones from where skin and teeth want them (equation 21) | {bones:.2f} mm | {worst_bones:.2f} mm |
| processor time | {cpu:.1f} s | {worst_cpu:.1f} s |
"""


def evaluate(data: Path, count: int, out: Path) -> None:
    """Fit the first identities and write the page."""
    template = load_template()
    skin = template.meshes["skin"]
    network = load_generalized().network
    model = FaceModel.at(network, skin.vertices, skin_parting(skin, load_or_build(template, 4.0, None)))
    marks, bones = model.subset(template.landmarks68), BoneConsistency.of(template, network)
    source = load_capture_source(data)
    captures = CaptureSynthesizer(source)
    correspondence = Correspondence.of(source, skin)
    landmarks = read_face_source(data).landmarks68
    frames = validation_frames(data, FRAMES)
    rows = []
    for number in range(count):
        generator = np.random.default_rng(number)
        vertices = torch.as_tensor(np.concatenate([correspondence.vertices, landmarks]))
        identity = torch.as_tensor(unseen_identities()[number], dtype=torch.float32)[None]
        with torch.inference_mode():
            performed = captures.performed(identity, frames[(7 * number) % FRAMES][None], vertices)[0].numpy()
        truth, marked = np.split(performed.astype(np.float64), [len(correspondence.vertices)])
        turn = generator.uniform(-1.0, 1.0, 3) * [10.0, 35.0, 12.0]
        camera = Camera(
            Rotation.from_euler("zyx", turn, degrees=True).as_rotvec(),
            np.array([*generator.uniform(-40.0, 40.0, 2), -generator.uniform(500.0, 1500.0)]),
            float(np.log(generator.uniform(1.3, 2.2) * max(SIZE))),
            0.5 * np.array(SIZE, dtype=np.float64),
        )
        given = camera.project(marked) + NOISE_PIXELS * generator.standard_normal((68, 2))
        began = time.process_time()
        fit = fit_photo(checked_landmarks([given], SIZE), SIZE, marks, bones)
        seconds = time.process_time() - began
        errors = []
        for coefficients in (fit.parameters.identity, np.zeros(100)):
            found = correspondence.on(model.performed(coefficients, fit.parameters.expression))
            aligned = apply(similarity_between(found, truth), found)
            errors.append(float(np.linalg.norm(aligned - truth, axis=1).mean()))
        rows.append((*errors, fit.error_pixels, fit.bone_error_mm, seconds))
        print(f"identity {number}: V2V {errors[0]:.2f} mm, mean face {errors[1]:.2f} mm", flush=True)
    means, worst = np.mean(rows, axis=0), np.max(rows, axis=0)
    today = datetime.datetime.now(datetime.UTC).date()
    text = TEXT.format(
        date=f"{today.day} {today:%b %Y}",
        machine=MACHINE,
        count=count,
        width=SIZE[0],
        height=SIZE[1],
        noise=NOISE_PIXELS,
        v2v=means[0],
        worst=worst[0],
        mean=means[1],
        worst_mean=worst[1],
        pixels=means[2],
        worst_pixels=worst[2],
        bones=means[3],
        worst_bones=worst[3],
        cpu=means[4],
        worst_cpu=worst[4],
    )
    out.write_text(text, encoding="utf-8")


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the source data")
    parser.add_argument("--identities", type=int, default=28, metavar="N", help="how many of 28")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation/photos.md"), help="file to write")
    arguments = parser.parse_args()
    evaluate(arguments.data, arguments.identities, arguments.out)


if __name__ == "__main__":
    main()
