"""
The page for people: a snapshot as one HTML document, the node at a glance.

document is the whole; header, attention, totals, numa, claims and table are its parts, from top to bottom; numa is made
of cpus, devices and memory. scene is what all parts draw from: who holds what, and the badge (colour and code) of each
pod. published keeps the bytes of the newest snapshot; assets are the style and the script.

Nothing that a pod or a device plugin named reaches the document but through `escape`. Until somebody looks, only
assets, links and published are loaded.
"""
