"""Columns in and out: CSV, TSV, JSON Lines and .npy as streams of blocks."""
