"""Tests for L{twisted_basic_ng.amp._extensions}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _extensions, _features

from .conversations import DispatchCase
from .extended import Echo, ExtendedCase, FatalError, Note, Peer, StockPeer, commandsIn

LARGE = b"x" * 100_000


class FeatureCase(ExtendedCase):
    """Tests with an additional feature."""

    def setUp(self) -> None:
        case = self
        self.received: list[Any] = []

        class Test(_features.Feature):
            name = b"test"
            keys = (b"_test",)

            def received(self, box: amp.AmpBox) -> None:
                case.received.append(dict(box))

            def restart(self) -> None:
                case.received.append("restart")

            def stop(self, reason: Failure) -> None:
                case.received.append(reason.type)

        _features.register(Test)
        self.addCleanup(_features.OWNERS.pop, b"_test")
        self.addCleanup(_features.FEATURES.pop, b"test")
        super().setUp()

    def extensions(self, peer: Any = None) -> Any:
        """Return the agreement of the client, or of C{peer}."""
        return (self.client if peer is None else peer)._ampExtend()

    def agree(self) -> None:
        self.extensions().ask()
        self.wire.flush()


class AgreementTests(FeatureCase):
    """The common features are asked for once, and only when they are needed."""

    def test_unused(self) -> None:
        """On a connection that does not need a feature, nothing is asked and nothing is kept."""
        self.assertEqual(self.asked(65_535), 65_535)
        self.assertEqual((self.sent(), self.sent(self.server)), ([b"Echo"], [b"answer"]))
        self.assertEqual([self.client._ampExtensions, self.server._ampExtensions], [None] * 2)
        self.assertFalse(self.client._ampDetour)

    def test_once(self) -> None:
        """The features are asked for once, and the side that was asked does not ask."""
        for peer in (self.client, self.server, self.client):
            results = self.ask(100_000, peer)
            self.wire.flush()
            self.assertEqual(results, [100_000])
        sent = self.sent() + self.sent(self.server)
        self.assertEqual(sent.count(b"_extensions"), 1)
        self.extensions().ask()
        self.assertEqual(self.client._outstandingRequests, {})

    def test_both(self) -> None:
        """Both sides may ask at the same time."""
        results = [self.ask(100_000), self.ask(100_000, self.server)]
        self.wire.flush()
        self.assertEqual(results, [[100_000], [100_000]])
        self.assertEqual((self.sent()[0], self.sent(self.server)[0]), (b"_extensions", b"_extensions"))

    def test_common(self) -> None:
        """Each side knows the features that both have, whichever of them asked."""
        self.assertFalse(self.extensions().has(b"test"))
        offers = _features.NAMES.toString([b"test", b"unknown"])
        self.client.dataReceived(amp.AmpBox(_command=b"_extensions", _ask=b"q", offers=offers).serialize())
        self.assertEqual([self.extensions().has(name) for name in (b"test", b"more", b"unknown")], [True, False, False])
        (answer,) = amp.parseString(self.client.wire.written)
        self.assertEqual(answer, {b"_answer": b"q", b"accepts": b"\0\4test"})

    def test_unanswered(self) -> None:
        """A question without a tag gets no answer, but its features are known."""
        offers = _features.NAMES.toString([b"test"])
        self.client.dataReceived(amp.AmpBox(_command=b"_extensions", offers=offers).serialize())
        self.assertTrue(self.extensions().has(b"test"))
        self.assertEqual(self.sent(), [])

    def test_later(self) -> None:
        """Known features are never removed, and later questions can add some."""
        self.client.callRemote(Echo, data=LARGE).addErrback(lambda failure: None)
        self.client.dataReceived(amp.AmpBox(_error=b"2", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual(self.extensions().known, set())
        for names, known in (([b"test"], {b"test"}), ([], {b"test"}), ([b"more"], {b"test", b"more"})):
            box = amp.AmpBox(_command=b"_extensions", offers=_features.NAMES.toString(names))
            self.client.dataReceived(box.serialize())
            self.assertEqual(self.extensions().known, known)

    def test_unreadable(self) -> None:
        """An answer that cannot be read means no features."""
        for accepts in ({}, {"accepts": b"\0\x99x"}):
            self.join(Peer(), Peer())
            results = self.ask(100_000)
            self.client.dataReceived(amp.AmpBox(_answer=b"2", **accepts).serialize())
            self.assertIsInstance(results[0], amp.TooLong)

    def test_switchedOff(self) -> None:
        """A side with the features off answers like Twisted, and has no agreement."""
        self.join(Peer(), Peer())
        self.server.extended = False
        results = self.ask(100_000)
        self.wire.flush()
        self.assertIsInstance(results[0], amp.TooLong)
        self.assertEqual(self.sent(self.server), [b"UNHANDLED"])
        self.assertIsNone(self.server._ampExtend())

    def test_keys(self) -> None:
        """
        A box with a reserved key is passed to its feature after the agreement, and is an error
        before it.
        """
        box = amp.AmpBox(a=b"1", _test=b"2")
        self.assertRaises(amp.NoEmptyBoxes, self.client.ampBoxReceived, box)
        self.agree()
        for peer in (self.client, self.server):
            peer.dataReceived(box.serialize())
            self.assertRaises(amp.NoEmptyBoxes, peer.ampBoxReceived, amp.AmpBox(a=b"1"))
        self.assertEqual(self.received, [{b"a": b"1", b"_test": b"2"}] * 2)
        self.wire.drop()
        self.assertEqual(self.received[2:], [ConnectionLost] * 2)
        self.assertEqual([self.client._ampExtensions, self.server._ampExtensions], [None] * 2)

    def test_lost(self) -> None:
        """Nothing is asked after the connection is lost."""
        extensions = self.extensions()
        self.wire.drop()
        extensions.ask()
        self.assertEqual(self.sent(), [])
        extensions = _extensions.Extensions(self.client, self.client)
        extensions.ask()
        self.assertIsNone(extensions._question)


class SeparateTests(DispatchCase):
    """The dispatcher and the connection may be two objects."""

    def test_foreign(self) -> None:
        """There is no agreement over an application's own box sender."""
        self.dispatcher.extended = True
        self.receive(_ask=b"1", _command=b"_extensions")
        self.assertEqual([box[b"_error_code"] for box in self.sender.boxes], [b"UNHANDLED"])

    def test_either(self) -> None:
        """It is enough to switch the features on for one of the two."""
        for values in ((True, False), (False, True), (False, False)):
            dispatcher = amp.BoxDispatcher(None)
            connection = amp.BinaryBoxProtocol(dispatcher)
            dispatcher.extended, connection.extended = values
            RecordingTransport().connect(connection)
            self.assertEqual([dispatcher.extended, connection.extended], [any(values)] * 2)
            self.assertEqual(connection._ampExtend() is not None, any(values))

    def test_otherThings(self) -> None:
        """A class that uses the names for other things has not switched anything on."""

        class Own(amp.AMP):
            def extended(self) -> None:  # type: ignore[override]
                """Means something else."""

            describes = "me"  # type: ignore[assignment]

        own = Own()
        transport = RecordingTransport().connect(own)
        for command in (b"_extensions", b"_ping", b"_describe"):
            own.dataReceived(amp.AmpBox(_ask=b"1", _command=command).serialize())
        self.assertEqual(commandsIn(transport.written), [b"UNHANDLED"] * 3)
        self.assertRaises(amp.TooLong, own.callRemote, Note, data=LARGE)
        self.assertRaises(RuntimeError, own.leave)

    def test_receiver(self) -> None:
        """A receiver of boxes that is not a dispatcher gets no features."""

        class Receiver:
            def startReceivingBoxes(self, sender: Any) -> None:
                pass

        connection = amp.BinaryBoxProtocol(Receiver())
        connection.extended = True
        RecordingTransport().connect(connection)
        self.assertIsNone(connection._ampExtend())
        self.assertRaises(amp.TooLong, connection.sendBox, amp.AmpBox(a=LARGE))


class LineTests(FeatureCase):
    """Boxes wait in order until the peer's features are known."""

    def test_order(self) -> None:
        """Calls and answers behind a box that needs a feature wait."""
        results = [self.ask(1), self.ask(100_000), self.ask(2)]
        self.client.callRemote(Note, data=b"xxx")
        answers = self.ask(4, self.server)
        self.assertEqual(self.sent(), [b"Echo", b"_extensions"])
        self.wire.flush()
        self.assertEqual(self.server.asked, [1, 100_000, 2, 3])
        self.assertEqual((results, answers), ([[1], [100_000], [2]], [4]))
        self.assertEqual(self.sent()[-3:], [b"Echo", b"Note", b"answer"])

    def test_reentered(self) -> None:
        """Boxes that are sent while the line is sent go to its end."""
        transport = self.client.wire
        transport.hooks["write"] = lambda: transport.hooks.clear() or self.client.callRemote(Note, data=b"late")
        self.ask(100_000)
        self.ask(1)
        transport.hooks["write"] = lambda: transport.hooks.clear() or self.client.callRemote(Note, data=b"late")
        self.wire.flush()
        self.assertEqual(self.server.asked, [100_000, 4, 1, 4])

    def test_cancelled(self) -> None:
        """
        A call that is cancelled while it waits is never sent, and the others are, with limits, too.
        """
        for bound in (None, 5):
            client = Peer()
            client.MAX_ASKS_IN_PROGRESS = bound
            self.join(client, Peer())
            call = self.client.callRemote(Echo, data=LARGE)
            results = self.ask(1)
            failures = self.waiting(call)
            call.cancel()
            self.wire.flush()
            self.assertIsInstance(failures[0], CancelledError)
            self.assertEqual((results, self.server.asked), ([1], [1]))
            self.assertIsNone(self.client._ampCancelledRequests)

    def test_lost(self) -> None:
        """If the connection is lost meanwhile, waiting calls and postponed actions fail."""
        results, starting = self.ask(100_000), self.waiting(self.client.callRemote(amp.StartTLS))
        self.wire.drop()
        self.assertEqual([type(each) for each in results + starting], [ConnectionLost] * 2)

    def test_bounded(self) -> None:
        """
        With limits on the calls in progress, all calls end, even if the peer lacks the feature.
        """
        for server in (Peer(), StockPeer()):
            client = Peer()
            client.MAX_ASKS_IN_PROGRESS = 2
            client.MAX_UNSENT_BYTES = 50_000
            self.join(client, server)
            results = [self.ask(size) for size in (1, 100_000, 2, 100_000, 3, 100_000, 4)]
            self.wire.flush()
            self.assertEqual(sum(each in ([1], [2], [3], [4]) for each in results), 4)
            self.assertEqual([len(each) for each in results], [1] * 7)
            self.assertEqual(client._ampOverload.line.window.underWay, {})

    def test_unanswered(self) -> None:
        """A call without an answer that the peer cannot take is logged."""
        self.join(Peer(), StockPeer())
        self.client.callRemote(Note, data=LARGE)
        self.wire.flush()
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)
        self.client.callRemote(Note, data=b"x")
        self.wire.flush()
        self.assertEqual(self.server.asked, [1])

    def test_quit(self) -> None:
        """An answer that closes the connection is sent first."""

        def respond(data: bytes, numbers: Any) -> Any:
            if data == b"x":
                raise FatalError("done")
            return {"data": LARGE}

        self.server.respond = respond
        results = [self.ask(2), self.ask(1)]
        self.wire.flush()
        self.assertEqual(results[0], [100_000])
        self.assertIsInstance(results[1][0], FatalError)
        self.assertTrue(self.wire.server.lost)

    def test_manyAnswers(self) -> None:
        """A peer that goes on asking and never answers counts as one without features."""
        for unsent, most in ((None, 64), (10**6, 3)):
            server = Peer()
            server.MAX_UNSENT_BYTES = unsent
            server.unknownErrorsAreFatal = False
            transport = RecordingTransport().connect(server)
            server.respond = lambda data, numbers: {"data": LARGE if data else b"y" * 60_000}
            server.dataReceived(amp.AmpBox(_ask=b"0", _command=b"Echo", data=b"x").serialize())
            ask = amp.AmpBox(_ask=b"1", _command=b"Echo", data=b"").serialize()
            count = 0
            while len(transport.written) < 1000:
                server.dataReceived(ask)
                count += 1
                self.assertLess(count * 60_000, most * 2**20)
            self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)
            self.assertEqual(commandsIn(transport.written)[:2], [b"_extensions", b"UNKNOWN"])
            self.assertTrue(server._ampExtensions.known == frozenset())

    def test_manyAnswersForTLS(self) -> None:
        """If it does not answer StartTLS either, it is dropped."""
        server = Peer()
        server.MAX_WAITING_BYTES = 150_000
        transport = RecordingTransport().connect(server)
        server.respond = lambda data, numbers: {"data": LARGE}
        failures = self.waiting(server.callRemote(amp.StartTLS))
        for _ in range(3):
            self.assertFalse(transport.aborted)
            server.dataReceived(amp.AmpBox(_ask=b"0", _command=b"Echo", data=b"x").serialize())
        self.assertTrue(transport.aborted)
        server.connectionLost(Failure(ConnectionLost()))
        self.assertIsInstance(failures[0], amp.TooManyAnswersError)

    def test_broken(self) -> None:
        """If an application's own box cannot be written after all, its call fails."""

        class Odd(amp.AmpBox):
            def serialize(self) -> bytes:
                if self.pop(b"odd", None):
                    return super().serialize()
                raise ZeroDivisionError

        self.client.callRemote(Note, data=LARGE)
        call = self.client._sendBoxCommand(b"Echo", Odd(odd=b"1"))
        failures = self.waiting(call)
        self.client.sendBox(Odd(odd=b"1", a=b"1"))
        self.client.callRemote(Note, data=b"after")
        self.wire.flush()
        self.assertIsInstance(failures[0], ZeroDivisionError)
        self.assertEqual(self.server.asked, [100_000, 5])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_nested(self) -> None:
        """The agreement may change while the line is sent."""
        self.ask(100_000)
        self.assertTrue(self.extensions().postpone(lambda: self.extensions().restart()))
        results = [self.ask(1), self.ask(100_000), self.ask(2)]
        self.wire.flush()
        self.assertEqual(results, [[1], [100_000], [2]])
        self.assertEqual(self.sent().count(b"_extensions"), 2)

    def test_atOnce(self) -> None:
        """If both ends are in one stack, a call may fail before its caller has its C{Deferred}."""

        def write(data: bytes) -> None:
            self.client.dataReceived(amp.AmpBox(_error=b"2", _error_code=b"X", _error_description=b"").serialize())

        self.client.transport.write = write
        failures = self.ask(100_000)
        self.assertIsInstance(failures[0], amp.TooLong)

    def test_unanswerable(self) -> None:
        """
        An error while an error is sent in place of an answer is logged, and closes the connection.
        """
        self.server._safeEmit = lambda box: 1 // 0
        self.server._ampFailAnswer(amp.AmpBox(_answer=b"1"), Failure(amp.TooLong(False, True, b"x")))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)
        self.assertTrue(self.server.transport.disconnecting)

    def test_late(self) -> None:
        """If the protocol switches meanwhile, waiting calls fail, and other boxes are dropped."""
        answering: Deferred[Any] = Deferred()
        self.client.respond = lambda data, numbers: answering
        self.ask(1, self.server)
        self.wire.flush()
        failures = self.waiting(self.client.callRemote(Echo, data=LARGE))
        self.client.callRemote(Note, data=b"x")
        answering.callback({"data": b"x"})
        self.client._lockForSwitch()
        self.wire.flush()
        self.assertIsInstance(failures[0], amp.ProtocolSwitched)
        self.assertEqual(self.sent(), [b"_extensions"])


class NeedTests(FeatureCase):
    """A box may need a feature."""

    def send(self, **kw: bytes) -> Any:
        box = amp.AmpBox(data=b"x", **kw)
        self.extensions().require(box, b"test")
        return self.waiting(self.client._sendBoxCommand(b"Echo", box))

    def test_there(self) -> None:
        """The box is sent once the peer is known to have the feature."""
        results = [self.send(), self.ask(2)]
        self.wire.flush()
        self.assertEqual(len(results[0]), 1)
        self.assertEqual(self.server.asked, [1, 2])
        self.send()
        self.wire.flush()
        self.assertEqual(self.server.asked, [1, 2, 1])

    def test_missing(self) -> None:
        """The call fails with an error that names the feature if the peer lacks it."""
        self.join(Peer(), StockPeer())
        results = [self.send(), self.ask(2)]
        self.wire.flush()
        self.assertIsInstance(results[0][0], amp.MissingFeatureError)
        self.assertIn("'test'", str(results[0][0]))
        self.assertEqual(results[1], [2])
        self.assertRaises(amp.MissingFeatureError, self.send)
        self.assertEqual(self.client._outstandingRequests, {})

    def test_several(self) -> None:
        """A box may need several features.  One that is split needs C{more}, too."""
        box = amp.AmpBox(data=LARGE)
        self.extensions().require(box, b"test")
        self.extensions().require(box, b"more")
        self.client._sendBoxCommand(b"Echo", box)
        self.wire.flush()
        self.assertEqual(self.server.asked, [100_000])
        self.extensions().known = frozenset([b"more"])
        box = amp.AmpBox(data=LARGE)
        self.extensions().require(box, b"test")
        self.assertRaises(amp.MissingFeatureError, self.client._sendBoxCommand, b"Echo", box)

    def test_forgone(self) -> None:
        """A need can be removed again, and the box is not kept."""
        box = amp.AmpBox(data=b"x")
        self.extensions().require(box, b"test")
        self.extensions().forgo(box)
        self.extensions().forgo(box)
        self.assertEqual(self.extensions()._needs, {})
        self.client._sendBoxCommand(b"Echo", box)
        self.assertEqual(self.sent(), [b"Echo"])

    def test_postponed(self) -> None:
        """
        An action may be postponed until the features are known.  Its error does not affect others.
        """
        done: list[Any] = []
        needs = frozenset([b"test"])
        self.assertTrue(self.extensions().postpone(lambda: done.append("first"), needs=needs))
        self.assertTrue(self.extensions().postpone(lambda: 1 // 0, lambda failure: done.append(failure.type)))
        self.assertTrue(self.extensions().postpone(lambda: 1 // 0))
        self.client.unhandledErrorsAreFatal = False
        self.wire.flush()
        self.assertEqual(done, ["first", ZeroDivisionError])
        self.assertFalse(self.extensions().postpone(lambda: None, needs=needs))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class TLSTests(FeatureCase):
    """After StartTLS, the features are asked for again."""

    def start(self, peer: Any = None) -> list[Any]:
        for end in (self.wire.client, self.wire.server):
            end.startTLS = lambda options: None  # type: ignore[method-assign]
        return self.waiting((self.client if peer is None else peer).callRemote(amp.StartTLS))

    def test_again(self) -> None:
        """Nothing that was agreed in plaintext is valid after TLS, on either side."""
        self.assertEqual(self.asked(100_000), 100_000)
        self.agree()
        self.extensions().feature(b"test")
        self.start()
        self.assertIsNone(self.extensions().known)
        self.wire.flush()
        self.assertEqual((self.extensions().known, self.extensions(self.server).known), (None, None))
        self.assertEqual(self.received, ["restart"])
        self.assertRaises(amp.NoEmptyBoxes, self.client.ampBoxReceived, amp.AmpBox(_test=b""))
        self.assertEqual(self.asked(100_000), 100_000)
        self.assertEqual(self.sent().count(b"_extensions"), 2)

    def test_waiting(self) -> None:
        """Calls made while TLS starts are sent after it, in order."""
        results = [self.ask(1)]
        starting = self.start()
        results += [self.ask(2), self.ask(100_000), self.ask(3)]
        self.assertEqual(self.sent(), [b"Echo", b"StartTLS"])
        self.wire.flush()
        self.assertEqual((starting, results), ([{}], [[1], [2], [100_000], [3]]))
        self.assertEqual(self.server.asked, [1, 2, 100_000, 3])

    def test_behind(self) -> None:
        """
        StartTLS waits behind a waiting call.  The agreement made for that call is not used after
        TLS.
        """
        results = [self.ask(100_000)]
        starting = self.start()
        results += [self.ask(100_001), self.ask(1)]
        self.assertEqual(self.sent(), [b"_extensions"])
        self.wire.flush()
        self.assertEqual((starting, results), ([{}], [[100_000], [100_001], [1]]))
        self.assertEqual(self.sent().count(b"_extensions"), 2)

    def test_answer(self) -> None:
        """
        The answer that starts TLS overtakes waiting answers, since its caller cannot answer
        questions.
        """
        self.join(Peer(), Peer(), 1)  # so that no byte of TLS comes together with plaintext
        self.server.respond = lambda data, numbers: {"data": LARGE}
        results = [self.ask(1)]
        starting = self.start()
        results += [self.ask(2)]
        while not starting:
            self.wire.pump()
        self.wire._size = None
        self.wire.flush()
        self.assertEqual((starting, results), ([{}], [[100_000], [100_000]]))

    def test_asked(self) -> None:
        """
        A plaintext answer to the question that arrives while TLS starts, or later, is ignored.
        """
        results = self.ask(100_000)
        question = amp.parseString(self.client.wire.written)[0][b"_ask"]
        self.client._prepareTLS(amp._NoCertificate(True), None)
        answer = amp.AmpBox(_answer=question, accepts=b"\0\4more").serialize()
        self.client.dataReceived(answer)
        self.assertEqual((results, self.extensions().known), ([], None))
        self.client.transport.startTLS = lambda options: None
        self.client._startTLS(amp._NoCertificate(True), None)
        questions = [box[b"_ask"] for box in amp.parseString(self.client.wire.written) if box.get(b"offers")]
        self.assertEqual(len(questions), 2)
        self.client.dataReceived(amp.AmpBox(_answer=questions[1], accepts=b"").serialize())
        self.assertIsInstance(results[0], amp.TooLong)

    def test_stale(self) -> None:
        """An answer or error to a plaintext question is dropped when it comes over TLS."""
        for kw in ({"_answer": b"2", "accepts": b"\0\4more"}, {"_error": b"2", "_error_code": b"UNHANDLED"}):
            self.join(Peer(), Peer())
            results = self.ask(100_000)
            self.extensions().restart()
            self.client.dataReceived(amp.AmpBox(kw).serialize())
            self.assertEqual((results, self.extensions().known), ([], None))

    def test_refused(self) -> None:
        """If the connection goes on without TLS, so do the calls."""
        self.client.plaintextAfterRefusedTLS = True
        self.server.acceptsStartTLS = False
        starting = self.start()
        results = self.ask(100_000)
        self.wire.flush()
        self.assertIsInstance(starting[0], amp.UnhandledCommand)
        self.assertEqual(results, [100_000])


class SwitchTests(FeatureCase):
    """Another protocol takes over after all waiting boxes are sent."""

    class Inner(Protocol):
        """Collects its data."""

        data = b""

        def dataReceived(self, data: bytes) -> None:
            self.data += data

    def factory(self) -> Any:
        factory = ClientFactory.forProtocol(self.Inner)
        factory.clientConnectionLost = lambda connector, reason: None  # type: ignore[method-assign]
        return factory

    def test_switch(self) -> None:
        """The call and the answer wait in line, and later calls fail."""
        inner = self.Inner()

        class Switch(amp.ProtocolSwitchCommand):
            pass

        class Switching(Peer):
            @Switch.responder
            def switch(self) -> Any:
                return inner

        self.join(Peer(), Switching())
        results = [self.ask(100_000), self.ask(1)]
        switching = self.waiting(self.client.callRemote(Switch, self.factory()))
        late = self.ask(100_000)
        self.assertEqual(self.sent(), [b"_extensions"])
        self.wire.flush()
        self.assertEqual((results, len(switching)), ([[100_000], [1]], 1))
        self.assertIsInstance(late[0], amp.ProtocolSwitched)
        self.client.innerProtocol.transport.write(b"hello")
        self.wire.flush()
        self.assertEqual(inner.data, b"hello")
        self.assertEqual([self.client._ampExtensions, self.server._ampExtensions], [None] * 2)

    def test_answer(self) -> None:
        """
        A responder's switch does not wait, since its caller cannot answer questions.  Waiting boxes
        are sent first.
        """
        inner = self.Inner()

        class Switch(amp.ProtocolSwitchCommand):
            pass

        class Switching(Peer):
            @Switch.responder
            def switch(self) -> Any:
                return inner

        self.join(Peer(), Switching())
        self.server.respond = lambda data, numbers: {"data": LARGE}
        results = self.ask(1)
        switching = self.waiting(self.client.callRemote(Switch, self.factory()))
        self.wire.flush()
        self.assertIsInstance(results[0], amp.UnknownRemoteError)
        self.assertEqual((len(switching), len(self.flushLoggedErrors(amp.TooLong))), (1, 1))
        self.assertIs(self.server.innerProtocol, inner)

    def test_oneWay(self) -> None:
        """A call without an answer that comes too late is lost, as usual."""

        class Switch(amp.ProtocolSwitchCommand):
            pass

        self.ask(100_000)
        self.waiting(self.client.callRemote(Switch, self.factory()))
        self.client.callRemote(Note, data=b"late")
        self.wire.flush()
        self.assertEqual(self.server.asked, [100_000])
