"""
The HTTP side: a small, bounded HTTP/1.1 server that sends bytes that are ready.

listeners opens the sockets. acceptor is the thread that accepts connections; until a whole request has come they wait
in pending, without a thread each. workers are a bounded number of threads, and connections knows what each is doing and
cuts those that keep others out. http_connection serves one connection over a channel, plain or TLS; request and
response are the two texts; dispatch finds the answer, with a share of its own for each kind of request; routes and
page_routes are what is served; config is the access control that a web config file describes. server is all of it.
"""
