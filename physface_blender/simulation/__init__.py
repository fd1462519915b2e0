"""Quasi-static soft tissue: elasticity, attachments, contact, solver."""
