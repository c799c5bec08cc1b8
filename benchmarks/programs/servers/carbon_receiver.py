"""
Carbon's receiver of pickled metrics, which counts them.

C{carbon_receiver.py COUNT} closes the connection after so many.
"""

from __future__ import annotations

import sys

from carbon import events, state
from carbon.conf import defaults, settings

settings.update(defaults)

from carbon.protocols import CarbonReceiverFactory, MetricPickleReceiver  # noqa: E402

from twisted.internet import reactor  # noqa: E402

received = 0


def count(*_metric: object) -> None:
    """Take a metric."""
    global received
    received += 1
    if received == int(sys.argv[1]):
        received = 0
        for each in list(state.connectedMetricReceiverProtocols):
            each.transport.loseConnection()


events.metricReceived.handlers[:] = [count]  # in place of Carbon's own, which write to disk
factory = CarbonReceiverFactory()
factory.protocol = MetricPickleReceiver
factory.noisy = False
port = reactor.listenTCP(0, factory, interface="127.0.0.1")
print("serving", port.getHost().port, flush=True)
reactor.run()
