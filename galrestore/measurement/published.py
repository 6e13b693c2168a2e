"""
Scores that the paper publishes, to stand beside our own.

References
----------
Park et al. (2024), ApJ 972, 45 (arXiv 2404.00102v2), Table 1.
"""

__all__ = ["TABLE1", "TABLE1_SET", "method_label", "method_labels"]

# Set whose scores Table 1 gives: the test split of the JWST pairs.
TABLE1_SET = "jwst"

# (PSNR [dB], SSIM) by label.
TABLE1 = {
    "no training": (16.4488, 0.1883),
    "GalSim": (32.2997, 0.4711),
    "JWST": (38.7868, 0.8534),
    "GalSim -> JWST": (38.8416, 0.8622),
}

_BASELINES = {
    "none": "no training",
    "wiener": "Wiener",
    "richardson_lucy": "Richardson-Lucy",
    "starlet_rl": "starlet + Richardson-Lucy",
    "sparse": "sparse deconvolution",
}
_TRAINING_SETS = {"galsim": "GalSim", "jwst": "JWST"}
# Networks beside the paper's, which needs no mention; weights that were given have a name.
_NETWORKS = {"given": "", "restormer": "", "nafnet": "NAFNet", "unet": "U-Net"}


def method_label(method, lineage=None):
    """
    Name a method for the reader.

    Parameters
    ----------
    method : str
        Name of a baseline, or of a variant of the network.
    lineage : str, optional
        Training sets of a variant's phases joined by "-", such as ``"galsim-jwst"``, after
        its network and a "/" where that is not the paper's.

    Returns
    -------
    label : str
        Such as ``"Wiener"``, ``"GalSim -> JWST"`` or ``"NAFNet: JWST"``: repeated sets are
        named once, and methods unknown here keep their name.
    """
    if lineage is None:
        return _BASELINES.get(method, method)
    network, _, sets = lineage.rpartition("/")
    phases = sets.split("-")
    turns = [name for name, before in zip(phases, [None, *phases], strict=False) if name != before]
    label = " -> ".join(_TRAINING_SETS.get(name, name) for name in turns)
    network = _NETWORKS.get(network, network)
    return f"{network}: {label}" if network else label


def method_labels(methods, lineages):
    """
    Name several methods so that no two are called the same.

    Parameters
    ----------
    methods : sequence of str
        Methods.
    lineages : dict of str to str
        Lineage of each variant of the network, see `method_label`.

    Returns
    -------
    labels : dict of str to str
        Label of each method; those of one label, such as variants with phases of
        different lengths, have the method's name added, except the first.
    """
    labels = {}
    for method in methods:
        label = method_label(method, lineages.get(method))
        labels[method] = f"{label} ({method})" if label in labels.values() else label
    return labels
