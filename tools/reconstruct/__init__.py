"""What `dev.py bench reconstruct` measures by: photos by Cycles, and the judge."""
