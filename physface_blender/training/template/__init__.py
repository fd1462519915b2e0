"""Makes ``models/template.npz`` from the source data: one file per part of the anatomy."""
