"""The panel Expression with physics: a slider under the mouse moves the simulated face."""

from dragged_slider import measure

PANELS = ("expression",)
SIZE = (800, 640)


def main(ui):
    yield from measure(ui, physics=True)
