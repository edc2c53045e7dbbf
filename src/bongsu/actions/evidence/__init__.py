"""Evidence of an incident: collected into one folder, sealed by hashes, with its chain of custody.

`folder` has where things lie, `collecting` and `capturing` fill it, `sealing` closes and verifies.
"""
