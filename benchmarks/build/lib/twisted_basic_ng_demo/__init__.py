"""
The demo and the benchmarks of twisted_basic_ng, in a separate package that the library does not
need.

L{twisted_basic_ng_demo.demo} is C{twisted-basic-ng demo}, L{twisted_basic_ng_demo.bench} is
C{twisted-basic-ng bench}.
"""
