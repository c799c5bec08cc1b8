"""
The data connections of Twisted's FTP server: the names and the behaviour of four classes of C{twisted.protocols.ftp}.

The map: C{_dtp} (the connection and its factory), C{_ftpconsumers} (text, and files).  This file holds no code of its
own: it is where the names are.  All else of FTP is Twisted's; the swap puts these four into its module.
"""

from ._dtp import DTP, DataConnectionClosedError, DTPFactory, encodeName
from ._ftpconsumers import ASCIIConsumerWrapper, FileConsumer
from ._places import openFacade as _openFacade

__all__ = ["DTP", "ASCIIConsumerWrapper", "DTPFactory", "DataConnectionClosedError", "FileConsumer", "encodeName"]

_openFacade(__name__, isWhole=False)
