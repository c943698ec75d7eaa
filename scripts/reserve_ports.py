#!/usr/bin/env python3
"""Ports of this machine that nobody who asks for any port gets before the server they are for.

    reserve_ports.py COUNT

prints one port a line and keeps them until it is killed. A port that was merely free a moment ago is
not enough: the next listener that asks for any port, or the next connection's own end, may get it.
"""

import random
import signal
import socket
import sys

# Below the range from which Linux serves those who ask for any port (32768 on).
RANGE = range(20000, 30000)
FAMILIES = [(socket.AF_INET, "127.0.0.1")]


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


if has_ipv6():
    FAMILIES.append((socket.AF_INET6, "::1"))


def bound(port):
    """Sockets that have the port in each family, and do not listen."""
    sockets = []
    try:
        for family, address in FAMILIES:
            sockets.append(socket.socket(family))
            sockets[-1].bind((address, port))
    except OSError:
        for each in sockets:
            each.close()
        return None
    # Only now: another reservation finds the port taken, a server does not.
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return sockets


class ReservedPorts(list):
    """Reserved for servers that reuse addresses, for as long as this object is there."""

    def __init__(self, count):
        super().__init__()
        self.sockets = []
        for port in random.sample(RANGE, len(RANGE)):
            if len(self) == count:
                return
            if sockets := bound(port):
                self.append(port)
                self.sockets += sockets
        if len(self) != count:
            raise OSError(f"no {count} ports of {RANGE[0]} to {RANGE[-1]} are free")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit(__doc__.strip())
    reserved = ReservedPorts(int(sys.argv[1]))
    print(*reserved, sep="\n", flush=True)
    signal.pause()
