# SPDX-License-Identifier: MIT
"""What tools/lab-report is made of: scoring the daemon's alerts against the truth of a
simulated day, and telling what came of it.

    site/        what the daemon is told of the laboratory's site
    run.py       one run: trawl-lab into trawlwatchd, into files
    names.py     who owns an address or a session, and whose an alert is
    strata.py    whose an alert on a whole stratum of visitors is
    score.py     the truth and the alerts of one run -> what became of each group
    figures.py   many runs -> figures for each class, trap and rule
    goals.py     the figures against goals.json
    bounds.py    Wilson's interval, Poisson's bound
    ablation.py  rule files without a rule, a signal or a function
    tables.py    figures as text and Markdown
    plots.py     figures as SVG
    page.py      docs/detection.md
"""
