"""
The web page: a snapshot of the node as one HTML document.

document is the whole; header, attention, totals, devices, table and numa are its parts, from top to bottom. devices is
made of shares, cells and claims, table of rows and cores, numa of places and cpus. scene is the model that all parts
draw from, trouble the problems of a device, badge the look of a pod, markup the HTML building blocks.
published caches the bytes of the newest snapshot; assets are the stylesheet and the script.

Names from pods and device plugins reach the document through `escaped` and `cut` only. Until the page is requested,
only assets and published are loaded.
"""
