import copy
import pickle

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import MISSING, Filter, Sort


def test_missing_stays_the_one_value():
    assert copy.copy(MISSING) is MISSING
    assert copy.deepcopy([MISSING]) == [MISSING]
    assert pickle.loads(pickle.dumps(MISSING)) is MISSING
    assert repr(MISSING) == "MISSING"


def test_criteria_are_plain_tuples():
    assert Filter("a", 1, COMPARISON.EQ) == ("a", 1, COMPARISON.EQ)
    assert Sort("a", -1) == ("a", -1)
