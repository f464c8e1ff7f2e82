"""cvxpylayers' interface: a program written for its torch layers runs with its import changed.

    from bpqp.cvxpy import CvxpyLayer       # in place of: from cvxpylayers.torch import CvxpyLayer

For problems that CVXPY turns into a QP, an LP or an SOCP. What differs is listed in
docs/python-dropins.md.
"""

from bpqp._checks import require

require("bpqp.cvxpy", "cvxpy")
require("bpqp.cvxpy", "torch")

from bpqp.cvxpy._layer import CvxpyLayer

__all__ = ["CvxpyLayer"]
