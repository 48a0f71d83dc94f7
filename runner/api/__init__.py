"""vaerun from Python: what ``import runner`` offers.

    composing    overrides → settings
    training     settings → a trained run
    run          a run folder opened: its settings, records, summary, scores and figures
    model_use    images → codes → images, by the trained model of a run
    images       images of any usual form → what a model sees; image_files: those in .npy and .npz
    encoded      the codes of images, and their files
    traversing   images in which one variable changes; drawing: as a figure, and samples as files
    evaluating   scores, as ``vaerun evaluate`` computes them
    collecting   many runs: found by their settings, side by side as a table
    isolation    what a library leaves as it was: Hydra, signals, environment, precision

Nothing is printed unless asked for. Errors are :class:`runner.VaerunError`, with ``.message`` and
``.hint``.
"""
