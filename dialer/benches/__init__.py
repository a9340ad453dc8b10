"""How fast is it? Each figure stands beside something measured in the same run, since machines differ and ratios do not.

Nothing here asserts: a figure is for reading, and for comparing with the one of the last release.
"""
