"""Descriptions of models: frozen, printable, comparable, and free of data."""
