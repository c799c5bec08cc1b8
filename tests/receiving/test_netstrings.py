"""Tests for L{twisted_basic_ng._receiving.netstrings}."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, deliveries
from twisted_basic_ng.basic import IncompleteNetstring, NetstringParseError, NetstringReceiver


class Netstrings(NetstringReceiver):
    """Collects the strings, and runs the action in C{actions} for each, if there is one."""

    def __init__(self) -> None:
        self.strings: list[bytes] = []
        self.actions: dict[bytes, Any] = {}

    def stringReceived(self, string: bytes) -> None:
        self.strings.append(string)
        self.actions.get(string, lambda: None)()


def connected(**attributes: Any) -> tuple[Netstrings, RecordingTransport]:
    receiver = Netstrings()
    vars(receiver).update(attributes)
    return receiver, RecordingTransport().connect(receiver)


class NetstringReceiverTests(SynchronousTestCase):
    """Netstrings are delivered, and anything else closes the connection."""

    def test_anyCut(self) -> None:
        """The same bytes give the same strings, whatever chunks they arrive in."""
        for chunks in deliveries(b"0:,12:hello world!,1:,,", b"3:ab"):
            receiver, transport = connected()
            for each in chunks:
                receiver.dataReceived(each)
            self.assertEqual((receiver.strings, transport.disconnecting), ([b"", b"hello world!", b","], False))

    def test_anyBreach(self) -> None:
        """
        Malformed data closes the connection in any chunks, after the earlier strings are delivered.
        """
        for bad in (b"x", b":", b"01:", b"1:ab", b"1x", b"1\n", b"100:", b"99999999999999999999999:"):
            for chunks in deliveries(b"1:a," + bad, b"1:b,"):
                receiver, transport = connected(MAX_LENGTH=99)
                for each in chunks:
                    receiver.dataReceived(each)
                self.assertEqual((receiver.strings, receiver.brokenPeer), ([b"a"], 1), chunks)
                self.assertEqual(transport.names(), ["loseConnection"])

    def test_limits(self) -> None:
        """
        The limit is the size of the longest payload.  With the limit 0, only empty strings are
        allowed.
        """
        for limit in (0, 1, 9, 10, 11, 99, 100):
            for size in (0, limit, limit + 1):
                receiver, _ = connected(MAX_LENGTH=limit)
                receiver.dataReceived(b"%d:%b," % (size, b"x" * size))
                self.assertEqual(receiver.strings, [b"x" * size] if size <= limit else [])

    def test_limitChanged(self) -> None:
        """
        A changed limit applies from the next netstring on, not to one whose length was accepted.
        """
        receiver, _ = connected()
        receiver.actions[b"a"] = lambda: setattr(receiver, "MAX_LENGTH", 1)
        receiver.dataReceived(b"1:a,1:b,2:cc,1:d,")
        self.assertEqual((receiver.strings, receiver.brokenPeer), ([b"a", b"b"], 1))
        receiver, _ = connected()
        receiver.dataReceived(b"5:ab")
        receiver.MAX_LENGTH = 1
        receiver.dataReceived(b"cde,2:x")
        self.assertEqual((receiver.strings, receiver.brokenPeer), ([b"abcde"], 1))

    def test_long(self) -> None:
        """A payload much longer than a chunk is delivered as one string."""
        for size in (1, 1400, 65536):
            receiver, _ = connected(MAX_LENGTH=1 << 20)
            data = b"100000:" + b"x" * 100_000 + b",1:y,"
            for at in range(0, len(data), size):
                receiver.dataReceived(data[at : at + size])
            self.assertEqual([len(each) for each in receiver.strings], [100_000, 1])

    def test_pieces(self) -> None:
        """
        A netstring that arrives in pieces is delivered at its comma.  Any other byte there closes
        the connection.  The bytes after it are parsed.
        """
        for size in (700, 2999, 3000, 3001, 3002):
            for end, rest in ((b",", b"2:ok,"), (b";", b"2:no,")):
                data = b"3000:" + b"x" * 3000 + end + rest
                receiver, transport = connected()
                shown: list[bytes] = []
                receiver.actions[b"x" * 3000] = lambda shown=shown, receiver=receiver: shown.append(
                    receiver._remainingData
                )
                for at in range(0, 2800, size):
                    receiver.dataReceived(data[at : at + size])
                receiver.dataReceived(data[at + size :])
                isWhole = end == b","
                self.assertEqual(receiver.strings, [b"x" * 3000, b"ok"] if isWhole else [])
                self.assertEqual((shown, transport.disconnecting), ([rest] if isWhole else [], not isWhole))

    def test_manyInOneChunk(self) -> None:
        """Each of many netstrings in a chunk is delivered once."""
        receiver, _ = connected()
        receiver.dataReceived(b"1:x," * 5000)
        self.assertEqual(receiver.strings, [b"x"] * 5000)

    def test_sendString(self) -> None:
        """A string is sent in one write."""
        receiver, transport = connected()
        receiver.sendString(b"hello world!")
        self.assertEqual(transport.events, [("write", b"12:hello world!,")])

    def test_connected(self) -> None:
        """A new transport resets the receiver."""
        receiver, _ = connected()
        receiver.dataReceived(b"x")
        self.assertEqual(receiver.brokenPeer, 1)
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"1:a,")
        self.assertEqual((receiver.brokenPeer, receiver.strings), (0, [b"a"]))

    def test_connectedInCallback(self) -> None:
        """
        If a callback connects the receiver to another transport, the undelivered bytes are dropped.
        """
        receiver, _ = connected()
        receiver.actions[b"m"] = lambda: receiver.makeConnection(RecordingTransport())
        receiver.dataReceived(b"1:m,1:a,")
        receiver.dataReceived(b"1:c,")
        self.assertEqual(receiver.strings, [b"m", b"c"])

    def test_callbackFindsBreach(self) -> None:
        """
        A callback can raise C{NetstringParseError} to close the connection, or
        C{IncompleteNetstring} to wait for more bytes.
        """
        receiver, transport = connected()

        def breach() -> None:
            raise NetstringParseError("application's own")

        def more() -> None:
            raise IncompleteNetstring()

        receiver.actions.update({b"a": more, b"b": breach})
        receiver.dataReceived(b"1:a,1:b,1:c,")
        self.assertEqual((receiver.strings, receiver.brokenPeer), ([b"a"], 0))
        receiver.dataReceived(b"1:d,")
        self.assertEqual((receiver.strings, transport.disconnecting), ([b"a", b"b"], True))

    def test_logged(self) -> None:
        """A too long length is logged, at most its first 20 digits."""
        for sent, size in ((b"1234:", 1234), (b"9" * 40, int(b"9" * 20)), (b"200000:x", 200000)):
            observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
            receiver, _ = connected(MAX_LENGTH=100)
            receiver.dataReceived(sent)
            (event,) = observer
            self.assertEqual((event["size"], event["limit"]), (size, 100))

    def test_ownParseError(self) -> None:
        """A subclass can override C{_handleParseError}."""

        class Patient(Netstrings):
            def _handleParseError(self) -> None:
                self.strings.append(b"broken")

        receiver = Patient()
        transport = RecordingTransport().connect(receiver)
        receiver.dataReceived(b"x")
        receiver.dataReceived(b"y")
        self.assertEqual((receiver.strings, transport.names()), ([b"broken", b"broken"], []))


class LengthTests(SynchronousTestCase):
    """The two private methods that Twisted's own tests call."""

    def test_consumeLength(self) -> None:
        """C{_consumeLength} takes a length from the front of the bytes."""
        receiver, _ = connected()
        receiver._remainingData = b"12:ab"
        receiver._consumeLength()
        self.assertEqual((receiver._expectedPayloadSize, receiver._remainingData), (13, b"ab"))

    def test_errors(self) -> None:
        """
        An unfinished length raises C{IncompleteNetstring}; a malformed or too long one is an error.
        """
        for data, error in ((b"12", IncompleteNetstring), (b"x", NetstringParseError), (b"100:", NetstringParseError)):
            receiver, _ = connected(MAX_LENGTH=99)
            receiver._remainingData = data
            self.assertRaises(error, receiver._consumeLength)

    def test_payloadComplete(self) -> None:
        """C{_payloadComplete} is false from the end of the length to the end of the payload."""
        receiver, _ = connected()
        for data, complete in ((b"1", True), (b":", False), (b"a", False), (b",", True)):
            receiver.dataReceived(data)
            self.assertEqual(receiver._payloadComplete(), complete)


class ChangingTests(SynchronousTestCase):
    """A batch survives the changes that leave it valid, and no others."""

    def test_raised(self) -> None:
        """The strings after an error are kept, and are checked again if the limit has changed."""
        for limit, expected in ((99999, 40), (2, 0)):
            receiver, transport = connected()
            receiver.actions[b"now"] = lambda: 1 / 0
            self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"3:now," + b"3:abc," * 40)
            self.assertEqual(receiver._remainingData, b"3:abc," * 40)
            receiver.MAX_LENGTH = limit
            receiver.dataReceived(b"")
            self.assertEqual((len(receiver.strings) - 1, transport.disconnecting), (expected, not expected))

    def test_limit(self) -> None:
        """A limit that is set during a batch applies from the next string on."""
        receiver, transport = connected()
        receiver.actions[b"now"] = lambda: setattr(receiver, "MAX_LENGTH", 3)
        receiver.dataReceived(b"4:long,3:now," + b"3:abc," * 40 + b"4:late,")
        self.assertEqual((receiver.strings[2:], transport.disconnecting), ([b"abc"] * 40, True))

    def test_replaced(self) -> None:
        """Bytes that are assigned at each string are delivered next."""
        receiver, _ = connected()

        def skip() -> None:
            receiver._remainingData = receiver._remainingData[4:]

        receiver.actions[b"a"] = skip
        receiver.dataReceived(b"1:a,1:b," * 200)
        self.assertEqual(receiver.strings, [b"a"] * 200)

    def test_oddLimits(self) -> None:
        """A limit may be infinite, not a number, or a fraction."""
        for limit, expected in ((float("inf"), 3), (float("nan"), 3), (2.5, 2), (-0.5, 0), (float("-inf"), 0)):
            for chunks in ([b"1:a,2:bb,3:ccc,"], [b"1:a,2:bb,3", b":c", b"cc", b","]):
                receiver, transport = connected(MAX_LENGTH=limit)
                for each in chunks:
                    receiver.dataReceived(each)
                self.assertEqual(
                    (receiver.strings, transport.disconnecting), ([b"a", b"bb", b"ccc"][:expected], expected < 3)
                )
