"""
The HTTP side: a small, bounded HTTP/1.1 server that hands out bytes which are ready.

listeners opens the sockets; server accepts; connections knows every open connection and cuts those that block others;
conversation speaks with one client; request and response are the two texts; dispatch finds the answer; routes is the
site.
"""
