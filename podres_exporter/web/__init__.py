"""
A small, bounded HTTP/1.1 server for prepared answers.

listeners opens the sockets. acceptor is the thread that accepts connections; until a complete request has arrived they
wait in pending, without a thread each. workers is a bounded thread pool; connections tracks what each worker is doing
and closes connections that block others. http_connection serves one connection over a channel, plain or TLS; request
and response handle the messages; dispatch finds the answer, with a concurrency limit for each kind of request; routes
and page_routes define the paths; config is the access control of a web config file. server combines all of it.
"""
