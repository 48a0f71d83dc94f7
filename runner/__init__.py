"""vaerun: train, compare and judge disentangled autoencoders.

The rooms, from the door down; imports go down only, and siblings never know each other:

    cli                                 argv → command; every error → one line and an exit code
    run | sweep | listing               one run | sweep files | what can be chosen
    training | evaluation | tracking    the loop | the figures | all that outlives the process
    dataset | model | objective         images | q(z|x), p(z), p(x|z) | the five terms
    config                              the typed settings
    errors                              what can go wrong
"""

__version__ = "0.1.0"
