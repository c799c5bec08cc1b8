"""The calculator as a twistd service."""

from __future__ import annotations

from typing import Any

from calc_server import Calculator

from twisted.application.service import Service
from twisted.application.strports import service
from twisted.internet.protocol import Factory
from twisted.python.usage import Options as BaseOptions


class Options(BaseOptions):
    """The options of the command line."""

    optParameters = [["listen", "l", "tcp:8750:interface=127.0.0.1", "The endpoint to serve at."]]


def makeService(options: Any) -> Service:
    """Make the service that listens."""
    listening: Service = service(options["listen"], Factory.forProtocol(Calculator))
    return listening
