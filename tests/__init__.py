"""
The tests of L{twisted_basic_ng}, one file for each file of the package.
"""
