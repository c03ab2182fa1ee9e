"""Making shape spaces: meshes, signed distance samples, the auto-decoder, codes of new shapes."""
