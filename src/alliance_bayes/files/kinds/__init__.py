"""The kinds of model files, one file each."""
