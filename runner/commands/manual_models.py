"""What the commands that use a trained model accept, and what their help says."""

from __future__ import annotations

from runner.commands.arguments import Command, Option

_TRUST = Option("--trust", "find the data of a run that is not yours where its folder says")
_DEVICE = ("device=DEVICE", "auto, cpu (the default), cuda, cuda:1, mps")
_DATA = (
    ("data_dir=DIR", "the folder of the datasets, if it was moved"),
    ("dataset.path=PATH", "where your own images are, if they were moved"),
)
_RUN = "outputs/2026-01-31/120000-1a2b-mnist-ae"

ENCODE = Command(
    name="encode",
    usage=("vaerun encode RUN IMAGES -o FILE", "vaerun encode RUN train|test|all -o FILE"),
    summary="Write the codes of images under a trained model. IMAGES is a picture, a folder of "
    "pictures, or an .npy or .npz file, whose array has the model's size; pictures are brought to "
    "it. train, test and all are the images of the run's own dataset (./test is a folder of that "
    "name). An .npz file of codes is what vaerun evaluate --codes reads; a .csv file has a row per "
    "image.",
    options=(
        Option("--out", "the file to write, .npz or .csv", "FILE", short=("-o",)),
        _TRUST,
    ),
    settings=(_DEVICE, *_DATA),
    examples=(
        (f"vaerun encode {_RUN} test -o codes.npz", ""),
        (f"vaerun encode {_RUN} photos/ -o codes.csv", ""),
    ),
    takes="RUN",
)

SAMPLE = Command(
    name="sample",
    usage=("vaerun sample RUN -o DIR [-n N] [seed=N]",),
    summary="Draw codes from the prior of a trained model and write the images that it expects: "
    "a PNG file each, and grid.png with all of them.",
    options=(
        Option("--out", "the folder to write them into: a new one, or an empty one", "DIR",
               short=("-o",)),
        Option("--number", "how many (default: 64)", "N", short=("-n",)),
    ),
    settings=(("seed=N", "of the random numbers (default: 0)"), _DEVICE),
    examples=((f"vaerun sample {_RUN} -n 16 -o samples", ""),),
    takes="RUN",
)  # fmt: skip

TRAVERSE = Command(
    name="traverse",
    usage=(
        "vaerun traverse RUN --image FILE [--variable NAME ...] -o FILE.png",
        "vaerun traverse RUN [--index N] [--variable NAME ...] -o FILE.png",
    ),
    summary="Draw what each variable of a code does to one image: a row of images per variable, "
    "below the image and its reconstruction. The image is a picture, or one of the run's test "
    "images.",
    options=(
        Option("--image", "the picture to start from", "FILE"),
        Option("--index", "the number of the test image to start from (default: 0)", "N"),
        Option("--variable", "the variables (default: all, the most informative first)",
               "NAME,NAME", is_list=True),
        Option("--out", "the file to write: .png, .pdf or .svg", "FILE", short=("-o",)),
        _TRUST,
    ),
    settings=(_DEVICE, *_DATA),
    examples=(
        (f"vaerun traverse {_RUN} -o traversals.png", ""),
        (f"vaerun traverse {_RUN} --image 7.png -o t.pdf", ""),
    ),
    takes="RUN",
)  # fmt: skip
