"""vaerun: train, compare and judge disentangled autoencoders.

The rooms, from the door down; imports go down only, and siblings never know each other:

    cli                                 argv → command; every error → one line and an exit code
    run | evaluate | fetch | sweep      one run | its scores | a dataset's files | sweep files
    ranking                             how far several runs agree
    judging                             how a trained model is judged, and where that is written
    training | evaluation | tracking    the loop | the figures | all that outlives the process
    dataset | model | objective         images | q(z|x), p(z), p(x|z) | the five terms
    metric                              scores of codes against known factors
    config                              the typed settings
    errors                              what can go wrong
"""

__version__ = "0.1.0"
