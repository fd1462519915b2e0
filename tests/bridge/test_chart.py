"""Line charts: a curve runs where its values are, and a legend names it."""

import numpy as np

from physface_blender.blender import chart
from physface_blender.blender.chart import COLORS, Axes, Curve, write_chart
from physface_blender.blender.contact_sheet import read_picture


def test_curves_lie_where_their_values_are(tmp_path):
    x = np.linspace(0.0, 1.0, 50)
    curves = [Curve("half", x, np.full(50, 0.5)), Curve("far away", x, np.full(50, 7.0))]
    write_chart(Axes("Title", "x", (0.0, 1.0), (0.0, 1.0)), curves, tmp_path / "chart.png", size=(500, 300))
    picture = read_picture(tmp_path / "chart.png")
    assert picture.shape == (300, 500, 3)
    middle = chart._TOP + (300 - chart._TOP - chart._BOTTOM) // 2
    column = chart._LEFT + 91  # not on a line of the grid
    assert np.abs(picture[middle, column] - COLORS[0]).max() < 0.02
    assert np.abs(picture[chart._TOP, column] - COLORS[1]).max() < 0.35  # cut off at the upper edge
    assert picture[middle + 12, column].min() > 0.98
    legend = picture[:, 500 - chart._RIGHT + 36 :]
    assert legend.min() < 0.5, "no names"


def test_logarithms_are_taken_to_base_ten(tmp_path):
    x = np.linspace(0.0, 1.0, 50)
    curve = Curve("tenth", x, np.full(50, 0.1))
    axes = Axes("Title", "x", (0.0, 1.0), (-2.0, 0.0), logarithmic=True)
    write_chart(axes, [curve], tmp_path / "chart.png", size=(500, 300))
    picture = read_picture(tmp_path / "chart.png")
    middle = chart._TOP + (300 - chart._TOP - chart._BOTTOM) // 2
    assert np.abs(picture[middle, chart._LEFT + 91] - COLORS[0]).max() < 0.02
