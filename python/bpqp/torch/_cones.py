"""What the KKT system of a problem with second-order cones changes by when its solution moves.

With v = s - y/rho, s = u - A x, and J(v) the derivative of the projection on the cones, the rows of
cones in Lambda (_formulas.py) are (I - J)(A w - h) - J d/rho: they depend on v where v is projected on
the boundary, by the second derivative of the projection. rho only scales v; with rho = y_t/s_t a
cone's v is (0, 2 s_z) up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

#: A cone is on its boundary if s_t and y_t both exceed this part of their problem's largest entry: more
#: than rounding in s = u - A x.
_BOUNDARY = {torch.float64: 1e-9, torch.float32: 1e-4}


class ConeCurvature:
    """The cones of one batch at its solution: x [B, n], y [B, m]."""

    def __init__(self, A: Tensor, u: Tensor, x: Tensor, y: Tensor, cones: Sequence[int]) -> None:
        self._cones = list(cones)
        self._first = y.shape[-1] - sum(cones)
        s = u - (A @ x.unsqueeze(-1)).squeeze(-1)
        s, self._y = s[..., self._first :], y[..., self._first :]
        self._s = s
        scale_s = s.abs().amax(-1, keepdim=True)
        scale_y = self._y.abs().amax(-1, keepdim=True)
        heads = [0]
        for d in self._cones[:-1]:
            heads.append(heads[-1] + d)
        s_t, y_t = s[..., heads], self._y[..., heads]
        least = _BOUNDARY[y.dtype]
        curved = (s_t > least * scale_s) & (y_t > least * scale_y)
        #: [B, cones]
        self.curved = curved & torch.tensor([d > 1 for d in self._cones], device=y.device)
        one = torch.ones_like(s_t)
        ratio = torch.where(self.curved, y_t, one) / torch.where(self.curved, s_t, one)
        cone_of_row = [index for index, d in enumerate(self._cones) for _ in range(d)]
        #: [B, rows of cones], constant in each cone
        self.rho = ratio.detach()[..., cone_of_row]

    def rows(self, vector: Tensor) -> Tensor:
        """The entries of [..., m] that are in cones."""
        return vector[..., self._first :]

    def widen(self, entries: Tensor) -> Tensor:
        """The inverse: zeros on the other rows."""
        return torch.nn.functional.pad(entries, (self._first, 0))

    def second_derivative(self, a: Tensor, b: Tensor) -> Tensor:
        """D2 Pi(v)[a, b] per cone, a and b [B, k, rows of cones]; symmetric in all three arguments."""
        v = (self._s - self._y / self.rho).unsqueeze(-2)
        parts = []
        first = 0
        for index, d in enumerate(self._cones):
            cut = slice(first, first + d)
            part = _second_derivative(v[..., cut], a[..., cut], b[..., cut])
            parts.append(torch.where(self.curved[..., index, None, None], part, torch.zeros_like(part)))
            first += d
        return torch.cat(parts, -1)


def _second_derivative(v: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Of the projection of v = (t, z), |t| < |z|, on one cone. With e = z/|z|, tau = t/|z|, and a
    split into a_t, alpha = e'a_z and a_p orthogonal to e (b likewise):

        1/(2 |z|) (a_p'b_p,  b_p (a_t - tau alpha) + a_p (b_t - tau beta) - tau e a_p'b_p)
    """
    t, z = v[..., :1], v[..., 1:]
    square = (z * z).sum(-1, keepdim=True)
    norm = torch.where(square > 0, square, torch.ones_like(square)).sqrt()
    e, tau = z / norm, t / norm
    alpha, beta = ((e * c[..., 1:]).sum(-1, keepdim=True) for c in (a, b))
    a_p, b_p = a[..., 1:] - alpha * e, b[..., 1:] - beta * e
    dot = (a_p * b_p).sum(-1, keepdim=True)
    z_part = b_p * (a[..., :1] - tau * alpha) + a_p * (b[..., :1] - tau * beta) - tau * e * dot
    return torch.cat([dot, z_part], -1) / (2 * norm)
