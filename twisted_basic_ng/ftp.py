"""
The data connections of Twisted's FTP server: the names and the behaviour of four classes of C{twisted.protocols.ftp}.

The map: C{_dtp} (the connection), C{_dtpfactory} (waiting for it), C{_ftplisting} (the rows of a listing),
C{_ftpconsumers} (text, and files).  This file holds no code of its
own: it is where the names are.  All else of FTP is Twisted's; the swap puts these four into its module.
"""

from ._dtp import DTP, DataConnectionClosedError
from ._dtpfactory import DTPFactory
from ._ftpconsumers import ASCIIConsumerWrapper, FileConsumer
from ._ftplisting import encodeName
from ._places import openFacade as _openFacade

__all__ = ["DTP", "ASCIIConsumerWrapper", "DTPFactory", "DataConnectionClosedError", "FileConsumer", "encodeName"]

_openFacade(__name__, isWhole=False)
