"""Makes C{twistd calc} known, in every directory from which this one is on Python's path."""

from twisted.application.service import ServiceMaker

calc = ServiceMaker("Calculator", "calc_service", "A calculator that speaks AMP.", "calc")
