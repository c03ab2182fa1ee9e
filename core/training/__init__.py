"""Making shape spaces from samples: the auto-decoder, whole runs, and codes of new shapes."""
