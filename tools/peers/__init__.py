"""Other programs for the same work, measured beside ours in one run, from their own packages."""
