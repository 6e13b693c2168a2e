"""What is known of the sky under sources: for stages ``fit`` and ``compare``."""

__all__ = ["measured_sky"]


def measured_sky(settings, mosaic, sources):
    """
    Return what is known of the sky under sources of one mosaic.

    Parameters
    ----------
    settings : galrestore.config.fit.Fit
        Whether the sky counts as known, and from where.
    mosaic : str
        Name of the mosaic.
    sources : pandas.DataFrame
        Their rows of the catalogue; none for a stamp in which nothing was detected.

    Returns
    -------
    sky : tuple of float or ndarray of shape (N,), or None
        Level and standard error [unit of the mosaic], for
        `galrestore.sersic.fitting.fit_sersic`; None where it is to be free.

    Notes
    -----
    Faint sources and wings raise the catalogue's background: under accepted sources of the
    simulated HST mosaics it is 0.04 of the rms too high, with a scatter of 0.03 (68 % err by
    less than 0.06; ``background_error`` says 0.04 to 0.05).  The background that free fits of
    the same stamps find is 0.03 too high, with a scatter of 0.09.
    """
    if settings.sky == "free":
        return None
    known = settings.known_skies.get(mosaic)
    if known is not None:
        return known.level, known.error
    if sources.empty:
        return None
    return sources["background"].to_numpy(), sources["background_error"].to_numpy()
