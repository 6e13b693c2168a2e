"""Sersic profiles: closed forms, multi-Gaussian expansion, fits to stamps."""
