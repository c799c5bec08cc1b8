"""
The agreement: which features beyond Twisted's AMP the two sides of a connection have in common.

The side that first needs its peer to understand something asks with the call C{_extensions}.  Its
answer lists the features that both sides have; any error, such as C{UNHANDLED} from Twisted's AMP,
stands for none.  A connection asks at most once, and only when it has to.  Whatever is agreed in
plaintext does not hold after StartTLS, where it is asked again.

Until the answer has arrived, the box that needs it and all boxes after it wait in a line, so that
their order is kept.

The features themselves are in files of their own, which register them
(L{twisted_basic_ng.amp._features}).  This file knows none of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._beyonderrors import MissingFeatureError
from ._boxes import AmpBox
from ._constants import ACCEPTS, ANSWER, ASK, COMMAND, ERROR, EXTENSIONS, LEAVE_FEATURE, OFFERS
from ._errors import ProtocolSwitched, TooManyAnswersError
from ._explain import addText, nameOf
from ._features import FEATURES, NAMES, OBSERVERS, OWNERS, Feature, readNames
from ._line import ALWAYS_KEPT, BOX_COST, sizeOf
from ._types import ExtendedDispatcher, ExtendedSender

__all__ = ["Extensions"]

_log = Logger("twisted.protocols.amp")


class _Waiting:
    """
    Something that waits in line.

    @ivar send: does it.
    @ivar fail: called with the error that doing it raises.
    @ivar lost: called in its place if the connection ends before.
    @ivar needs: the features that it needs the peer to have.
    """

    __slots__ = ("fail", "lost", "needs", "send")

    def __init__(
        self,
        send: Callable[[], object],
        fail: Callable[[Failure], object],
        lost: Callable[[Failure], object] | None = None,
        needs: frozenset[bytes] = frozenset(),
    ) -> None:
        self.send = send
        self.fail = fail
        self.lost = lost
        self.needs = needs


class Extensions:
    """
    The agreement of one connection, and the line of what waits for it.

    @ivar dispatcher: the dispatcher of the connection.
    @ivar sender: the connection.
    @ivar known: the features that the peer has and this side has, too; C{None} if it is not known.
    @ivar isTold: whether the peer knows our features, and may use them.
    """

    def __init__(self, dispatcher: ExtendedDispatcher, sender: ExtendedSender) -> None:
        self.dispatcher = dispatcher
        self.sender = sender
        self.known: frozenset[bytes] | None = None
        self.isTold = False
        self._features: dict[bytes, Feature] = {}
        # The tags of our questions until they are answered, and that of the last one.
        self._questions: set[bytes] = set()
        self._question: bytes | None = None
        # By the tags of our calls.  Unlike a dict, an OrderedDict finds its first item at once.
        self._line: OrderedDict[object, _Waiting] = OrderedDict()
        # How much memory the answers take that wait in line.
        self._waitingSize = 0
        self._isAdvancing = False
        # Whether the next box is from the head of the line.
        self._passes = False
        # What boxes need that are being made, by the identities of these boxes.
        self._needs: dict[int, tuple[AmpBox, frozenset[bytes]]] = {}

    # For the features.

    def has(self, name: bytes) -> bool:
        """Whether both sides are known to have a feature."""
        return self.known is not None and name in self.known

    def feature(self, name: bytes) -> Any:
        """Return the object of a feature."""
        found = self._features.get(name)
        if found is None:
            found = self._features[name] = FEATURES[name](self)
        return found

    def require(self, box: AmpBox, name: bytes) -> None:
        """
        Say that a box which is being made needs the peer to have a feature.  If the peer has not
        got it, the call fails with L{MissingFeatureError}.
        """
        others = self._needs.get(id(box), (box, frozenset[bytes]()))[1]
        self._needs[id(box)] = box, others | {name}
        self.sender._ampUpdateDetour()

    def forgo(self, box: AmpBox) -> None:
        """Forget what a box needs, because it will not be sent."""
        self._needs.pop(id(box), None)

    def postpone(
        self,
        do: Callable[[], object],
        fail: Callable[[Failure], object] | None = None,
        lost: Callable[[Failure], object] | None = None,
        needs: frozenset[bytes] = frozenset(),
    ) -> bool:
        """
        Have something done when all boxes are sent that wait in line, unless none waits.

        @param fail: called with an error that is raised then.
        @param lost: called in its place if the connection ends before.
        @param needs: features that have to be known by then.
        @return: whether it has to wait.  If not, you have to do it.
        """
        if self._passes or not (self.isHolding() or (needs and self.known is None)):
            return False
        self._wait(object(), _Waiting(do, self.dispatcher.unhandledError if fail is None else fail, lost, needs))
        return True

    def isBusy(self) -> bool:
        """Whether a feature has something under way."""
        return any(feature.isBusy() for feature in self._features.values())

    def quieten(self) -> None:
        """Note that something of a feature is over that was under way."""
        leave = self._features.get(LEAVE_FEATURE)
        if leave is not None:
            leave.learned()

    # The agreement.

    def ask(self) -> None:
        """Ask the peer for its features, unless they are known or it was asked already."""
        if self.known is not None or self._question is not None or self.dispatcher._failAllReason is not None:
            return
        if self.sender._startingTLSBuffer is not None:
            return  # restart will ask
        tag = self._question = self.dispatcher._nextTag()
        box = AmpBox({COMMAND: EXTENSIONS, ASK: tag, OFFERS: NAMES.toString([*FEATURES])})
        if self.dispatcher._ampOverload is not None:
            self.dispatcher._ampOverload.line.window.add(tag, box, False)  # so that its answer is read
        self._questions.add(tag)
        self._tell(box)

    def _tell(self, box: AmpBox) -> None:
        self.isTold = True
        self.sender._ampUpdateDetour()
        self.sender._ampSendAside(box)

    def answerTo(self, tag: bytes) -> Deferred[AmpBox] | None:
        """
        Find the question with this tag.

        @return: what its answer or its error is to be given to; C{None} if there is no such
            question.
        """
        if tag not in self._questions:
            return None
        self._questions.discard(tag)
        answer: Deferred[AmpBox] = Deferred()
        answer.addBoth(self._answered, tag).addErrback(self.dispatcher.unhandledError)
        return answer

    def _answered(self, result: AmpBox | Failure, tag: bytes) -> None:
        if tag == self._question:  # else it was asked in plaintext
            self._learn(frozenset() if isinstance(result, Failure) else readNames(result.get(ACCEPTS)))

    def asked(self, box: AmpBox) -> None:
        """Answer the peer, which asks for our features, and tells its own."""
        common = readNames(box.get(OFFERS))
        if ASK in box:
            self._tell(AmpBox({ANSWER: box[ASK], ACCEPTS: NAMES.toString(sorted(common))}))
        self._learn(common)

    def _learn(self, common: frozenset[bytes]) -> None:
        if self.sender._startingTLSBuffer is None:  # else this is plaintext, and all we send is TLS
            self._question = None
            self.known = common if self.known is None else self.known | common
            self._advance()
            for feature in [*self._features.values()]:
                feature.learned()

    # Boxes of the peer.

    def received(self, box: AmpBox) -> bool:
        """
        Pass a box that is neither a call nor an answer to the feature that it is for.

        @return: whether there is such a feature.
        """
        if self.isTold:
            for key in box:
                name = OWNERS.get(key)
                if name is not None:
                    self.feature(name).received(box)
                    return True
        return False

    def arriving(self, box: AmpBox) -> AmpBox | None:
        """Return the box to deliver in place of one that has arrived; C{None} for none yet."""
        if self.isTold:
            for name in OBSERVERS:
                arrived: AmpBox | None = self.feature(name).arriving(box)
                if arrived is None:
                    return None
                box = arrived
        return box

    # Our own boxes.

    def isHolding(self) -> bool:
        """Whether boxes wait in line."""
        return bool(self._line)

    def needsDetour(self) -> bool:
        """Whether each box has to be passed to L{keep} or L{arriving}."""
        return self.isTold or bool(self._line) or bool(self._needs)

    def keep(self, box: AmpBox, need: bytes | None = None) -> bool:
        """
        Let a box that is being sent wait in line, if it has to.

        Errors do not wait for others.  A peer that has asked for TLS, or for another protocol, sends
        nothing until it is answered, so it would not answer our question either.

        @param need: a feature that it needs, besides those that L{require} was told.
        @return: whether it waits.
        @raise MissingFeatureError: the peer lacks a feature that the box needs.
        """
        needs = self._needs.pop(id(box), (box, frozenset[bytes]()))[1]
        if need is not None:
            needs |= {need}
        isBehind = self.isHolding() and ERROR not in box
        if not self._passes and (isBehind or (needs and self.known is None)):
            waiting = _Waiting(lambda: self._send(box, needs), lambda error: self._fail(box, error), None, needs)
            self._wait(box.get(ASK, box), waiting)
            return True
        self._passes = False
        for name in sorted(needs):
            if not self.has(name):
                raise MissingFeatureError(name)
        return False

    def passNext(self) -> None:
        """Let the next box overtake those that wait in line: it is the one after which TLS starts."""
        self._passes = True

    def giveUp(self) -> None:
        """Send what waits in line without a peer's features, because no box can be sent after the next."""
        if self.isHolding():
            self._learn(frozenset())

    def forget(self, tag: bytes) -> bool:
        """
        Remove a call that was cancelled from the line.

        @return: whether it waited there, and was therefore not sent.
        """
        return self._line.pop(tag, None) is not None

    def _wait(self, key: object, waiting: _Waiting) -> None:
        if isinstance(key, AmpBox):
            if COMMAND not in key and self._line:
                self._waitingSize += sizeOf(key) + BOX_COST
            key = object()
        self._line[key] = waiting
        self.sender._ampUpdateDetour()
        if waiting.needs:
            self.ask()
        most, unsent = self.sender.MAX_WAITING_BYTES, self.sender.MAX_UNSENT_BYTES
        if unsent is not None:
            most = max(2 * unsent, ALWAYS_KEPT)
        if most is None or self._waitingSize <= most:
            return
        if self.sender._startingTLSBuffer is None:
            self.giveUp()
        else:  # no box can be sent before the peer answers
            self.sender._ampAbort(TooManyAnswersError(self._waitingSize, most))

    def _advance(self) -> None:
        """Send what waits in line, up to the first thing of which it is not known whether it can be sent."""
        if self._isAdvancing:
            return
        self._isAdvancing = True
        try:
            while self._line:
                waiting = next(iter(self._line.values()))
                if waiting.needs and self.known is None:
                    self.ask()
                    break
                self._line.popitem(last=False)
                self._do(waiting)
        finally:
            self._isAdvancing = self._passes = False
        if not self._line:
            self._waitingSize = 0
            self.sender._ampUpdateDetour()

    def _do(self, waiting: _Waiting) -> None:
        self._passes = True
        error: Failure | None = None
        try:
            waiting.send()
        except BaseException:
            error = Failure()
        self._passes = False
        # Outside the handler, so that errors of the application do not hold its frames.
        if error is not None:
            waiting.fail(error)

    def _send(self, box: AmpBox, needs: frozenset[bytes]) -> None:
        if needs:
            self._needs[id(box)] = box, needs
        self.sender._ampSendNext(box)

    def _fail(self, box: AmpBox, error: Failure) -> None:
        """Tell the caller, or the peer, that a box could not be sent after all."""
        tag = box.get(ASK) if COMMAND in box else None
        if tag is not None:
            addText(error.value, f"{nameOf(box[COMMAND])}, which had waited in line, was not sent")
            overload = self.dispatcher._ampOverload
            if overload is not None:
                overload.line.unsent(tag)
            self.dispatcher._ampFailUnsent(tag, error)
        elif error.check(ConnectionLost, ProtocolSwitched):
            return
        elif ANSWER in box or ERROR in box:
            self._passes = True  # what is sent in its place
            self.dispatcher._ampFailAnswer(box, error)
        else:
            _log.failure("while sending {command}, which had waited in line", error, command=nameOf(box.get(COMMAND)))

    # Changes of the connection.

    def changing(self) -> None:
        """A call is about to be sent that changes the connection."""
        for feature in list(self._features.values()):
            feature.changing()

    def suspend(self) -> None:
        """Begin to start TLS: what is sent from now on is sent over TLS."""
        self.known = None

    def restart(self) -> None:
        """Forget what was agreed in plaintext, and ask again if something waits for it."""
        self.known = self._question = None
        self.isTold = False
        for feature in self._features.values():
            feature.restart()
        self._advance()
        self.sender._ampUpdateDetour()

    def stop(self, reason: Failure) -> None:
        """End: nothing more is sent or received."""
        self.known = frozenset()
        line, self._line = self._line, OrderedDict()
        features, self._features = self._features, {}
        self._needs.clear()
        self.sender._ampExtensions = self.dispatcher._ampExtensions = None
        self.sender._ampUpdateDetour()
        for waiting in line.values():
            if waiting.lost is not None:
                waiting.lost(reason)
        for feature in features.values():
            feature.stop(reason)
