"""``python landmark_process.py ARRAY FACES``: the landmarks of all faces of a picture, found with MediaPipe's FaceMesh.

A script of its own that needs nothing but numpy and mediapipe, because it runs in an environment apart: mediapipe brings
many packages that the rest has no use for. The array is (H, W, 3) uint8, rows from the top; the result is a JSON list
with 68 points ``[x, y]`` in pixels, iBUG order, for every face.
"""

import json
import sys

import numpy as np

MOST_FACES = 5
LEAST_CONFIDENCE = 0.5
IBUG = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""Points of the canonical face mesh that lie where the 68 of iBUG do: contour, brows, nose, eyes, lips."""


def main() -> int:
    """Find the faces and write them; 3 where mediapipe is missing."""
    source, target = sys.argv[1:3]
    try:
        from mediapipe.python.solutions.face_mesh import FaceMesh
    except ImportError:
        return 3
    picture = np.ascontiguousarray(np.load(source, allow_pickle=False))
    height, width = picture.shape[:2]
    faces = []
    with FaceMesh(
        static_image_mode=True, max_num_faces=MOST_FACES, min_detection_confidence=LEAST_CONFIDENCE
    ) as face_mesh:
        found = face_mesh.process(picture).multi_face_landmarks or []
    for face in found:
        faces.append([[face.landmark[index].x * width, face.landmark[index].y * height] for index in IBUG])
    with open(target, "w", encoding="utf-8") as stream:
        json.dump(faces, stream)
    return 0


if __name__ == "__main__":
    sys.exit(main())
