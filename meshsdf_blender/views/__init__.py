"""What cameras see: frames, targets, silhouettes."""
