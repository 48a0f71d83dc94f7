"""vaerun: train, compare and judge disentangled autoencoders.

The rooms, from the door down; imports go down only, and siblings never know each other:

    cli                                 argv → command; every error → one line and an exit code
    train | sweep | evaluate | compare | list | fetch | sync      one file for each command
    grid | comparison                   many runs: who trains them, where | side by side
    run | ranking                       the story of one run | how far several agree
    judging                             how a trained model is judged, and where that is written
    trained                             a trained run, opened again
    training | evaluation | tracking    the loop | the figures | all that outlives the process
    page                                how figures look
    dataset | model | objective         images | q(z|x), p(z), p(x|z) | the five terms
    metric                              scores of codes against known factors
    composition | grid_words            words → the settings of a run | what is asked of a grid
    explain | sweep_file | words        Hydra's complaints | which choices to cross | argv, sorted
    config                              the typed settings
    errors                              what can go wrong
"""

__version__ = "0.1.0"
