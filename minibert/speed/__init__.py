"""What makes the chapters fast without changing what they compute.

`twins.py` has fast twins of four of their functions. It imports the chapters, and no chapter imports it. `cores.py`
shares work out over the cores and imports nothing of the package.
"""
