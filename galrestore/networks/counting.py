"""Number of parameters of a network that is not trained yet."""

__all__ = ["count_parameters"]


def count_parameters(architecture, size):
    """
    Count the trainable parameters of a network, without memory for them.

    Parameters
    ----------
    architecture : str
        Name, a key of `galrestore.networks.architectures.ARCHITECTURES`.
    size : dict
        Arguments of the architecture.

    Returns
    -------
    count : int
        Parameters.
    """
    import torch  # seconds, which other figures need not spend

    from galrestore.networks.architectures import build

    with torch.device("meta"):
        network = build(architecture, size)
    return sum(weights.numel() for weights in network.parameters())
