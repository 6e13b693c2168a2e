"""Power by spatial frequency against Parseval's theorem, white noise and known filters."""

import numpy as np
from numpy.testing import assert_allclose

from galrestore.measurement.spatial_frequency import SPECTRA, power_spectra, summarise_spectra
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

SHAPE = (48, 64)


def keyed(image):
    """Return the stream of an image's resamplings."""
    return stream(9, f"b.{image}")


def noise(key, count=200, shape=SHAPE):
    return stream(9, "test.power", key).normal(size=(count, *shape))


def test_white_noise_is_flat_with_the_power_of_the_window():
    # Power of unit white noise at every frequency: the sum of the squared window, by
    # Parseval; 3/8 of the pixels on each axis for Hann.
    image = noise(0)
    spectra = power_spectra(image, image, 8)
    window = 3 / 8 * np.array(SHAPE) + 3 / 8  # N + 1 intervals of a periodic Hann window
    # 200 images and at least 12 independent modes in the innermost ring of 1/16.
    assert_allclose(spectra[:, 1:, 0].mean(axis=0), window.prod(), rtol=5 / np.sqrt(200 * 12))
    assert_allclose(spectra[..., 1], spectra[..., 0])
    assert_allclose(spectra[..., 2], 0, atol=1e-20)
    assert_allclose(spectra[..., 3], spectra[..., 0])


def test_rings_are_those_of_the_whole_plane():
    # The half-plane of real transforms, weighted, is the plane.
    truth, image = noise(1, 3, (13, 16)), noise(2, 3, (13, 16))
    window = np.outer(np.hanning(15)[1:-1], np.hanning(18)[1:-1])
    power = np.abs(np.fft.fft2(image * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(13)[:, None], np.fft.fftfreq(16))
    for ring in range(4):
        inside = (frequency >= ring / 8) & (frequency < (ring + 1) / 8)
        expected = power[:, inside].mean(axis=1)
        found = power_spectra(truth, image, 4)[:, ring, SPECTRA.index("image")]
        assert_allclose(found, expected, rtol=1e-12)


def test_a_blurred_image_smooths_and_keeps_phases():
    # Amplitude and transfer are those of the kernel; coherence is 1 within a ring in which
    # the kernel hardly varies.
    truth = noise(3, 100, (64, 64))
    line = gaussian_kernel(1.88, 7)
    table = summarise_spectra({"RS": power_spectra(truth, blur(truth, line), 16)}, keyed)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64))
    response = np.abs(np.fft.fft(np.r_[line, np.zeros(57)]))
    kernel = np.outer(response, response)
    for row in table.itertuples():
        inside = np.floor(frequency * 32) == round(row.frequency * 32 - 0.5)
        # The window mixes neighbouring frequencies; noise of 100 images x >= 12 modes.
        assert abs(row.transfer - kernel[inside].mean()) < 0.02
        assert abs(row.amplitude - np.sqrt((kernel[inside] ** 2).mean())) < 0.02
    inner = table[table["frequency"] < 0.25]
    assert inner["coherence"].min() > 0.99


def test_independent_noise_has_no_coherence_and_a_known_residual():
    truth, extra = noise(4, 400), noise(5, 400)
    table = summarise_spectra({"RS": power_spectra(truth, truth + 2 * extra, 4)}, keyed)
    # Power 1 + 4 over 1, residual 4, transfer 1, coherence 1 / sqrt(5); 400 images with at
    # least 40 modes a ring: relative errors of at most sqrt(2 / 16,000) = 1.1%.
    for name, known in (
        ("amplitude", np.sqrt(5)),
        ("residual", 4.0),
        ("transfer", 1.0),
        ("coherence", 1 / np.sqrt(5)),
    ):
        error = table[f"{name}_error"].to_numpy()
        assert np.all(error < 0.05 * known)
        # Errors, in turn, are known: 5 of them.
        assert np.all(np.abs(table[name] - known) < 5 * error)


def test_objects_without_spectra_are_left_out():
    truth = noise(6, 6)
    spectra = power_spectra(truth, truth, 4)
    spectra[2] = np.nan
    table = summarise_spectra({"RS": spectra, "none": spectra * np.nan}, keyed, 10)
    assert table["count"].tolist() == [5] * 4 + [0] * 4
    assert np.isnan(table["transfer"][4:]).all()
    assert_allclose(table["transfer"][:4], 1.0)
