"""Faults under load, and whether the guarantees hold: ``make drills``."""
