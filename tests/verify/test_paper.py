import pickle

from verify.paper import UnknownNameError


def test_an_unknown_name_is_told_with_its_neighbours_even_by_a_worker_process():
    error = pickle.loads(pickle.dumps(UnknownNameError("claim", "demo.sqare", {"demo.square": 1, "demo.cube": 2})))
    assert str(error) == "unknown claim 'demo.sqare'; nearest: demo.square, demo.cube"
