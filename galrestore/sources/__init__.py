"""Sources: background, detection, measurement, rejection, stamps."""
