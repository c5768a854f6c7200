"""The drawing of lineage: each base above what was made of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headstart.web.lineage import Node, bases_in, drawing

NAMES = "abcdefgh"
nodes = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3, unique=True), max_size=8
).map(lambda made: [Node(name, bases=tuple(bases)) for name, bases in made.items()])


def test_a_chain_goes_down_step_by_step() -> None:
    made = drawing([Node("c", bases=("b",)), Node("a"), Node("b", bases=("a", "elsewhere"))])
    assert [one.node.name for one in made.nodes] == ["a", "b", "c"]
    assert [one.x for one in made.nodes] == sorted(one.x for one in made.nodes)
    assert len(made.lines) == 2


@given(nodes)
def test_any_cards_can_be_drawn_also_those_that_name_each_other(given_nodes: list[Node]) -> None:
    made = drawing(given_nodes)
    assert sorted(one.node.name for one in made.nodes) == sorted(n.name for n in given_nodes)
    assert len({one.y for one in made.nodes}) == len(made.nodes)
    assert all(0 < one.x < made.width and 0 < one.y < made.height for one in made.nodes)


def test_what_cards_tell_is_read_with_care() -> None:
    assert bases_in({"base_model": ["a/b", 3, "", "a/b"]}) == ("a/b",)
    assert bases_in({"base_model": {"x": 1}}) == ()
    assert bases_in({"headstart": {"base": "hub:a/b@approved"}}) == ("a/b",)
    assert bases_in({"headstart": {"base": "bundled:minilm-l6"}}) == ("bundled:minilm-l6",)
    assert bases_in({"headstart": "no"}) == ()
