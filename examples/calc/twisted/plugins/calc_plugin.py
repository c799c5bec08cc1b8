"""Adds C{twistd calc}, if the directory above C{twisted} is on Python's path."""

from twisted.application.service import ServiceMaker

calc = ServiceMaker("Calculator", "calc_service", "A calculator that speaks AMP.", "calc")
