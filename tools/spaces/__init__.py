"""Recipes of the built-in spaces: one command rebuilds each."""
