"""Stage select from the command line."""

import numpy as np
import pytest
from astropy.io import fits

from galrestore.cli import main
from galrestore.config import load
from galrestore.config.select import Select
from galrestore.files import cubes
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.stars import STARS
from galrestore.files.tables import read_provenance, read_table
from galrestore.provenance import sha256_of

MOSAIC = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "field": "home",
    "science": "sci.fits",
    "unit": "electron/s",
    "psf_fwhm": 0.1,
    "pixel_scale": 0.05,
}


def sky(shape, places, seed=1):
    image = np.random.default_rng(seed).normal(2, 1, shape)
    y, x = np.indices(shape)
    for column, row in places:
        radius = (x - column) ** 2 + (y - row) ** 2
        image += 400 * np.exp(-radius / (2 * 3.5**2))
    return image.astype(np.float32)


@pytest.fixture
def select(tmp_path):
    """Acquire images as one mosaic and run stage select; gives status and paths."""

    def run(images, tile=2048, settings=None, name="home", **changes):
        hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(image) for image in images)]
        fits.HDUList(hdus).writeto(tmp_path / "sci.fits", overwrite=True)
        home = MOSAIC | {"science_hdu": 1} | changes
        local = {"root": str(tmp_path), "mosaics": {name: home}}
        config = load({"seed": 3, "acquire": {"local": local}})
        common = ["--seed", "3", "--code", "abc"]
        manifest = str(tmp_path / "m.parquet")
        text = config.acquisition(name)
        acquired = ["acquire", "local", "--mosaic", name, "--manifest", manifest]
        assert main([*acquired, "--settings", text, *common]) == 0
        table, stamps = tmp_path / "c.parquet", tmp_path / "s.fits"
        text = (settings or Select()).model_dump_json()
        files = ["--catalogue", str(table), "--stamps", str(stamps), "--tile", str(tile)]
        files += ["--stars", str(tmp_path / "stars.parquet")]
        status = main(["select", "--manifest", manifest, *files, "--settings", text, *common])
        return status, table, stamps

    return run


def test_catalogue_and_stamps_belong_together(select, tmp_path):
    image = sky((211, 303), [(60, 70), (150, 140), (240, 60), (300, 180)])
    status, catalogue, stamps = select([image])
    assert status == 0
    table = read_table(catalogue, CATALOGUE)
    accepted = table[table["rejected_by"] == ""]
    assert len(accepted) == 3
    assert (table["rejected_by"] == "edge").sum() == 1
    assert cubes.read_ids(stamps).tolist() == accepted["id"].tolist()
    cube = cubes.read_cube(stamps, "STAMP")
    side = cube.shape[1]
    for stamp, row in zip(cube, accepted.itertuples(), strict=True):
        assert stamp[side // 2, side // 2] == image[round(row.y), round(row.x)]
    with fits.open(stamps) as hdus:
        assert hdus["STAMP"].header["BUNIT"] == "electron/s"
    stars = read_table(tmp_path / "stars.parquet", STARS)
    assert stars.loc[0, ["mosaic", "psf_stars", "stated_fwhm"]].tolist() == ["home", 0, 2.0]
    assert (table["star_fwhm"] == 2.0).all()
    record = read_provenance(catalogue)
    assert record == read_provenance(tmp_path / "stars.parquet")
    assert record == cubes.read_provenance(stamps)
    manifest = tmp_path / "m.parquet"
    assert record.inputs == {str(manifest): sha256_of(manifest)}


def test_files_do_not_depend_on_the_tile(select):
    image = sky((307, 331), [(60 + 50 * i, 70 + 41 * i) for i in range(5)])
    contents = []
    for tile in (2048, 256):
        _, catalogue, stamps = select([image], tile)
        contents.append((catalogue.read_bytes(), stamps.read_bytes()))
    assert contents[0] == contents[1]


def test_file_of_cutouts(select):
    images = [sky((90, 101), [(50, 45), (20, 70)], seed) for seed in range(4)]
    status, catalogue, stamps = select(images, science_hdu="all")
    assert status == 0
    table = read_table(catalogue, CATALOGUE)
    assert table[table["rejected_by"] == ""]["image"].tolist() == [0, 1, 2, 3]
    assert len(cubes.read_ids(stamps)) == 4


def test_no_accepted_source_is_a_warning(select, capsys):
    status, catalogue, stamps = select([sky((80, 90), [])], telescope="jwst")
    assert status == 0
    assert "home: no source is accepted" in capsys.readouterr().err
    assert len(read_table(catalogue, CATALOGUE, empty=True)) == 0
    assert cubes.read_cube(stamps, "STAMP").shape == (0, 64, 64)
