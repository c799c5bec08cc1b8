"""The commands of a calculator."""

from twisted_basic_ng.amp import Command, Decimal, Integer, ListOf, OneWayCommand, Unicode


class Sum(Command):
    """Add numbers."""

    arguments = [(b"numbers", ListOf(Decimal()))]
    response = [(b"total", Decimal())]


class Divide(Command):
    """Divide one whole number by another."""

    arguments = [(b"dividend", Integer()), (b"divisor", Integer())]
    response = [(b"quotient", Integer()), (b"remainder", Integer())]
    errors = {ZeroDivisionError: b"ZERO_DIVISION"}


class Remark(OneWayCommand):
    """Send a remark that needs no answer."""

    arguments = [(b"text", Unicode()), (b"author", Unicode(optional=True))]
