"""
Model of `galrestore.sersic.kernel` for many stamps at once, in torch.

The same sums over the same Gaussians, with the finely sampled window in the same place:
the two differ by rounding alone.  Shapes: B stamps, K Gaussians, P pixels.
"""

import math

import torch

from galrestore.sersic.kernel import CUT

__all__ = ["evaluate_torch", "interpolate"]


def evaluate_torch(p, psf, windows, table, shape, sides):
    """
    Evaluate the models and their derivatives.

    Parameters
    ----------
    p : Tensor, shape (B, 8)
        Parameters.
    psf : Tensor, shape (B, G, 2)
        Fractions and variances of the Gaussians of the PSFs.
    windows : sequence of (int, int)
        From `galrestore.sersic.kernel.window_size`, for each of the G Gaussians; the same
        for all stamps.
    table : tuple of Tensor, float, float
        Expansion of shape (nodes, 2, K), ln n of its first node, distance of the nodes.
    shape : tuple of int
        Rows and columns of the images.
    sides : Tensor of int, shape (B, 2)
        Rows and columns of each stamp, from the image's first pixel on.

    Returns
    -------
    rows : Tensor, shape (B, 7, P)
        Derivatives with respect to the first seven parameters; row 2 is the model.
    """
    profile = interpolate(table, p[:, 4])
    columns = torch.arange(shape[1], dtype=p.dtype, device=p.device)
    lines = torch.arange(shape[0], dtype=p.dtype, device=p.device)
    dx = (columns - p[:, :1])[:, None, :].expand(-1, shape[0], -1).flatten(1)
    dy = (lines - p[:, 1:2])[:, :, None].expand(-1, -1, shape[1]).flatten(1)
    total = torch.zeros((), dtype=p.dtype, device=p.device)
    for j, (side, fine) in enumerate(windows):
        share, variance = psf[:, j, :1], psf[:, j, 1:]
        rows = _derivatives(p, profile, share, variance + 1 / 12, dx, dy)
        if side:
            _replace_centre(rows, p, profile, share, variance, (side, fine), shape, sides)
        total = total + rows
    return total


def interpolate(table, ln_n):
    """
    Interpolate the expansion.

    Parameters
    ----------
    table : tuple of Tensor, float, float
        Expansion, as in `evaluate_torch`.
    ln_n : Tensor, shape (B,)
        Logarithm of the Sersic index.

    Returns
    -------
    profile : Tensor, shape (B, 4, K)
        Amplitudes, ln widths and their derivatives with respect to ln n.
    """
    values, low, step = table
    t = (ln_n - low) / step
    first = (t.long() - 1).clamp(0, len(values) - 4)
    a = t - first
    b, c, d = a - 1, a - 2, a - 3
    weight = torch.stack([-b * c * d / 6, a * c * d / 2, -a * b * d / 2, a * b * c / 6], 1)
    slope = torch.stack(
        [
            -(c * d + b * d + b * c) / 6,
            (c * d + a * d + a * c) / 2,
            -(b * d + a * d + a * b) / 2,
            (b * c + a * c + a * b) / 6,
        ],
        1,
    )
    nodes = values[first[:, None] + torch.arange(4, device=first.device)]
    value = torch.einsum("bi,bijk->bjk", weight, nodes)
    return torch.cat([value, torch.einsum("bi,bijk->bjk", slope / step, nodes)], 1)


def _replace_centre(rows, p, profile, share, variance, window, shape, sides):
    """Average the finely sampled window and put it into the rows."""
    side, fine = window
    variance = torch.clamp(variance + 1 / (12 * fine**2), min=0.12 / fine**2)
    corner = torch.floor(p[:, [1, 0]] + 0.5).long() - (side - 1) // 2
    corner = torch.minimum(corner.clamp(min=0), (sides - side).clamp(min=0))
    step = (torch.arange(side * fine, dtype=p.dtype, device=p.device) + 0.5) / fine - 0.5
    dx = (corner[:, 1:] - p[:, :1] + step)[:, None, :].expand(-1, side * fine, -1)
    dy = (corner[:, :1] - p[:, 1:2] + step)[:, :, None].expand(-1, -1, side * fine)
    points = _derivatives(p, profile, share, variance, dx.flatten(1), dy.flatten(1))
    means = points.unflatten(2, (side, fine, side, fine)).mean(dim=(3, 5)).flatten(2)
    place = torch.arange(side, device=p.device)
    lines = (corner[:, :1] + place).clamp(max=shape[0] - 1)
    columns = (corner[:, 1:] + place).clamp(max=shape[1] - 1)
    index = (lines[:, :, None] * shape[1] + columns[:, None, :]).flatten(1)
    rows.scatter_(2, index[:, None, :].expand(-1, rows.shape[1], -1), means)


def _derivatives(p, profile, share, variance, dx, dy):
    """Return derivatives at points dx, dy from the centre, shape (B, 7, P)."""
    eta = torch.hypot(p[:, 5], p[:, 6])[:, None]
    safe = eta.clamp(min=1e-300)
    cos2 = torch.where(eta > 0, p[:, 5:6] / safe, 1.0)
    sin2 = torch.where(eta > 0, p[:, 6:7] / safe, 0.0)
    quadratic, sums = _sums(p, profile, share, variance, eta, cos2, sin2)
    powers = torch.stack([dx * dx, 2 * dx * dy, dy * dy], 1)
    exponent = torch.bmm(quadratic, powers)
    light = torch.where(exponent < CUT, torch.exp(-exponent), 0.0)
    model, by_u, by_v, own_u, own_v, by_n, n_u, n_v = torch.bmm(sums, light).unbind(1)
    angle = torch.atan2(sin2, cos2) / 2
    c, s = torch.cos(angle), torch.sin(angle)
    u, v = c * dx + s * dy, c * dy - s * dx
    uu, vv = u * u, v * v
    own_u, own_v = uu * own_u, vv * own_v
    radial = 0.5 * (own_u - own_v + variance * (by_u - by_v))
    turn = -u * v * (by_u - by_v) * (0.5 / eta.clamp(min=1e-4))
    return torch.stack(
        [
            c * u * by_u - s * v * by_v,
            s * u * by_u + c * v * by_v,
            model,
            own_u + own_v - 2 * model + variance * (by_u + by_v),
            uu * n_u + vv * n_v + by_n,
            cos2 * radial - sin2 * turn,
            sin2 * radial + cos2 * turn,
        ],
        1,
    )


def _sums(p, profile, share, variance, eta, cos2, sin2):
    """Half the precision matrices, shape (B, K, 3), and coefficients of sums, (B, 8, K)."""
    amplitude, ln_width, d_amplitude, d_ln_width = profile.unbind(1)
    own = torch.exp(2 * ln_width + 2 * p[:, 3:4])
    own_u, own_v = own * torch.exp(eta), own * torch.exp(-eta)
    u, v = own_u + variance, own_v + variance
    area = u * v
    xx, yy = (u + v + (u - v) * cos2) / 2, (u + v - (u - v) * cos2) / 2
    quadratic = torch.stack([yy, -(u - v) * sin2 / 2, xx], 2) / (2 * area[:, :, None])
    peak = share * torch.exp(p[:, 2:3]) / (2 * math.pi * torch.sqrt(area))
    light = peak * amplitude
    by_u, by_v = light / u, light / v
    own_by_u, own_by_v = by_u * own_u / u, by_v * own_v / v
    by_n = peak * (d_amplitude - amplitude * d_ln_width * (own_u / u + own_v / v))
    ends = (by_n, d_ln_width * own_by_u, d_ln_width * own_by_v)
    return quadratic, torch.stack([light, by_u, by_v, own_by_u, own_by_v, *ends], 1)
