"""
The web page: a snapshot of the node as one HTML document.

document is the whole; header, attention, totals, numa and table are its parts, from top to bottom; numa is made of cpus
and devices. scene is the model that all parts draw from, badge how a pod is drawn, markup the HTML that they are made
of. published caches the bytes of the newest snapshot; assets are the stylesheet and the script.

Names from pods and device plugins reach the document through `escaped` only. Until the page is requested, only assets
and published are loaded.
"""
