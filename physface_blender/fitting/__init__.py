"""Inverse problems: a character from a scan, a photo or a performance."""
