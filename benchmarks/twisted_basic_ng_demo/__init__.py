"""
The demo and the benchmarks of twisted_basic_ng: a package of their own, which the library does without.

L{twisted_basic_ng_demo.demo} is C{twisted-basic-ng demo}, L{twisted_basic_ng_demo.bench} is C{twisted-basic-ng bench}.
"""
