"""All client-side uses of PyFlink's and Flink's internals: private attributes (`_j_…`), Java classes called through py4j,
undocumented environment variables. The operators' uses are in udfs/flink/internals.py.

Verified against PyFlink 2.3.0. The constants `PYTHON` and `JAVA` of each module list what it relies on;
tests/contracts/test_flink_internals.py reports what is missing in the installed version.
"""

from __future__ import annotations

READ_AGAINST = "2.3.0"
