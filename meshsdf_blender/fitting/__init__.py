"""Fits: what they ask of the worker and how they run."""
