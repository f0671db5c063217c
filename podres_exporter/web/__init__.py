"""
The HTTP side: a small, bounded HTTP/1.1 server that hands out bytes which are ready.

listeners opens the sockets; acceptor is the thread that takes clients in, reception where they wait without a thread of
their own until, as opening says, they have asked; workers are those threads, connections knows what each is doing and
cuts those that block others, as limits has it; server is all of it together, with its start and its end. conversation
speaks with one client over a channel, plain or TLS; request and response are the two texts; dispatch finds the answer;
routes is the site; shield is what may stand before it, and config the one that a file describes.
"""
