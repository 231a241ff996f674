"""Where queries and keys lie: moves that do not change attention, the scale, and the plane of the picture.

It imports no other folder except `measures.correlation`, with which the scale is searched.
"""
