"""The photo of the example scene, and how it is made."""
