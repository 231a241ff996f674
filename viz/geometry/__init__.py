"""Where queries and keys lie: moves that leave attention alone, the scale, and the plane that is drawn.

Imports nothing of the other folders but `measures.correlation`, by which the scale is searched.
"""
