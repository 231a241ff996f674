"""What the pages share: the explorer, the page of a trace, and `minibert read`.

It imports nothing of the other folders.
"""
