"""
The data connections of Twisted's FTP server: the names and the behaviour of four classes of
C{twisted.protocols.ftp}.

This file re-exports the public names of L{twisted_basic_ng._ftp}.  The rest of FTP is Twisted's
own.  The swap puts these names into C{twisted.protocols.ftp}.
"""

from ._ftp.consumers import ASCIIConsumerWrapper, FileConsumer
from ._ftp.dtp import DTP
from ._ftp.dtpfactory import DTPFactory
from ._ftp.listing import encodeName
from ._ftp.upload import DataConnectionClosedError
from ._places import openFacade as _openFacade

__all__ = ["DTP", "ASCIIConsumerWrapper", "DTPFactory", "DataConnectionClosedError", "FileConsumer", "encodeName"]

_openFacade(__name__, isWhole=False)
