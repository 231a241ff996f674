"""Traces for other programs: rows for pandas and spreadsheets, arrays for NumPy, vectors for projectors.

It reads a Trace and computes nothing, and imports nothing else; `Trace.to_rows` and `Trace.save` are its way in.
"""
