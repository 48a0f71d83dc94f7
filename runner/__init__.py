"""vaerun: train, compare and evaluate disentangled autoencoders.

The rooms; imports go down only, and those of one line do not import each other:

    cli                       arguments → command; every error → one line and an exit code
    commands                  one file per command, and the reading of arguments
    grid                      many runs: folder, workers, launchers, sweep files
    runs                      the story of one run; opening one again
    figures                   every plot, one style
    report | evaluation | training | console | tracking
                              tables and the page | numbers | the loop | the terminal | W&B
    comparison | dataset | model | objective
                              configurations, statistics | data | networks, densities | terms
    metric | store | config   scores of codes | what lies on disk | typed settings, composition
    plugins                   own pieces: what a user's file adds to the choices
    files | memory | progress opening of files | too little memory | how far a computation is
    errors                    what can go wrong
"""

__version__ = "0.2.0"
