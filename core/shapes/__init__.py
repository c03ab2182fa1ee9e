"""From meshes and point clouds to samples: read, repaired, signed as solids, placed, sampled."""
