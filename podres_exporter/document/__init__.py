"""
One snapshot as a document for people and programs, `podres/v1`, and back without loss.

envelope is the whole; pods, containers, claims, metadata, stock, topology, usage and status are its parts, each written
and read by one module; reader names the place of whatever cannot be read, plain, values and moment are the spellings.

A key that is absent says that something is unknown, not stated, or does not apply; null is never written and reads the
same. An empty list or text says that there is none. Unknown keys are passed over: a newer release may add some.
"""

from podres_exporter.document.envelope import API_VERSION, KIND, decode, encode

__all__ = ["API_VERSION", "KIND", "decode", "encode"]
