"""The course: its exercises in reading order."""

from minibert.exercises.course.attention import ATTENTION, MERGE, SCORES, SPLIT_HEADS
from minibert.exercises.course.beyond import PLANE, ROLLOUT, WORDPIECE
from minibert.exercises.course.encoder import ENCODER, FEED_FORWARD, LAYER, MASKED_LM, PADDING
from minibert.exercises.course.geometry import EXACT, PCA, TRANSLATION
from minibert.exercises.course.investigations import FINE_TUNING, HEAD_OFF, PATCHING, PREVIOUS
from minibert.exercises.course.numbers import EMBEDDINGS, GELU, LAYER_NORM, SOFTMAX

EXERCISES = (
    SOFTMAX,
    LAYER_NORM,
    GELU,
    EMBEDDINGS,
    SPLIT_HEADS,
    SCORES,
    ATTENTION,
    MERGE,
    FEED_FORWARD,
    LAYER,
    ENCODER,
    MASKED_LM,
    PADDING,
    PCA,
    TRANSLATION,
    EXACT,
    PREVIOUS,
    HEAD_OFF,
    FINE_TUNING,
    WORDPIECE,
    ROLLOUT,
    PLANE,
    PATCHING,
)
