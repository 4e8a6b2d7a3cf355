"""Machines of their own as far as the network goes: network namespaces with a cable to each server.

A cable that is pulled drops everything without a word, in both directions, as a dead switch does: whoever
is connected at either end hears nothing. Needs root.
"""

from __future__ import annotations

import ipaddress
import random
import subprocess

from tests.servers import Proxy, Server


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


class Cable:
    """Between one host and one server. `url` is the server's address as the host sees it."""

    def __init__(self, host: str, server: Server) -> None:
        self._near = f"dtw{random.randrange(16**8):08x}n"
        self._far = self._near[:-1] + "f"
        near, far = _two_addresses()
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", host)
        _ip("address", "add", f"{near}/30", "dev", self._near)
        _ip("-n", host, "address", "add", f"{far}/30", "dev", self._far)
        _ip("-n", host, "link", "set", self._far, "up")
        self.plug()
        self._proxy = Proxy(server, host=near)
        self.url = self._proxy.url

    def pull(self) -> None:
        _ip("link", "set", self._near, "down")

    def plug(self) -> None:
        _ip("link", "set", self._near, "up")

    def close(self) -> None:
        self._proxy.close()


class Host:
    """`within` is what comes before a command that is to run there."""

    def __init__(self) -> None:
        self.name = f"dtw{random.randrange(16**8):08x}"
        self.within = ("ip", "netns", "exec", self.name)
        self._cables: list[Cable] = []
        _ip("netns", "add", self.name)

    def cable(self, server: Server) -> Cable:
        self._cables.append(Cable(self.name, server))
        return self._cables[-1]

    def close(self) -> None:
        for cable in self._cables:
            cable.close()
        _ip("netns", "delete", self.name)


def _two_addresses() -> tuple[str, str]:
    network = ipaddress.ip_network((0x0AC80000 + 4 * random.randrange(2**18), 30))  # 10.200 to 10.215
    near, far = network.hosts()
    return str(near), str(far)
