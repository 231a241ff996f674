"""The experiment over many sentences: queries and keys, moved into one space and measured, head by head.

    from minibert.survey import survey
    from minibert.survey.pictures import draw

    found = survey(minibert.load("tiny"), file="books.txt")
    found.rows                                             one row per head
    viz.save(draw(found, "matrix"), "matrix.png")

sample      the sentences that are fitted and drawn, end to end
fit         their queries and keys, moved in every way
firing      where in a corpus a head fires: its strongest pairs of words, and examples
measure     what those moves show, added up over all sentences
experiment  all of these in turn: `survey` and what it returns, a `Survey`
rows        a Survey as a table
pictures    a Survey as figures
export      a Survey in files, for those who have no model
compare     what further training moved: `compare` and what it returns, a `Comparison`
circuits    what heads are made of and which earlier heads feed them: `circuits` and what it returns, `Circuits`
properties  which properties of a text the scores carry: `properties` and what it returns, `Properties`

It imports `model`, `corpus`, `speed`, `terminal` and `viz`; only the commands import it.
"""

from minibert.survey.experiment import Survey, survey

__all__ = ["Survey", "survey"]
