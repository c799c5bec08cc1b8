"""
Carbon's own client: C{carbon_sender.py PORT COUNT BATCH} sends so many metrics, so many in one message.

Prints the seconds from the connection's beginning to its end, which the receiver brings about when it has them all.
"""

from __future__ import annotations

import sys
import time

from carbon.conf import defaults, settings

settings.update(defaults)
settings.MAX_QUEUE_SIZE = 10**9
settings.MAX_DATAPOINTS_PER_MESSAGE = int(sys.argv[3])
settings.TIME_TO_DEFER_SENDING = 0

from carbon.client import CarbonPickleClientFactory  # noqa: E402

from twisted.internet import reactor  # noqa: E402


class Factory(CarbonPickleClientFactory):
    """Carbon's own, which measures, and does not come again."""

    noisy = False

    def clientConnectionMade(self, client: object) -> object:
        """Begin to measure."""
        self.begun = time.perf_counter()
        return client

    def clientConnectionLost(self, connector: object, reason: object) -> None:
        """Say how long it took."""
        print(time.perf_counter() - self.begun)
        reactor.stop()


factory = Factory(("127.0.0.1", int(sys.argv[1]), "a"), None)
for number in range(int(sys.argv[2])):
    factory.enqueue(f"servers.host{number % 100:03}.cpu.load", (1_600_000_000 + number, 0.5))
factory.startConnecting()
reactor.run()
