"""What goes wrong and how it is mended; paths that stay right when a file moves."""
