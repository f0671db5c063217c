"""
The HTTP side: a small, bounded HTTP/1.1 server that hands out bytes which are ready.

listeners opens the sockets; server accepts; connections knows every open connection and cuts those that block others;
conversation speaks with one client over a channel, plain or TLS; request and response are the two texts; dispatch finds
the answer; routes is the site; shield is what may stand before it, and config the one that a file describes.
"""
