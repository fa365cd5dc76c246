"""Tables in notebooks: escaped, and no longer than a screen or two."""

from seesaw_nas.core.markup import MOST_ROWS, table


def test_every_text_is_escaped_and_numbers_are_at_the_right():
    page = table("<b>", ("a&b",), [("<script>",), (1_000_000,), (0.5,), (True,)])
    assert "<b>" not in page
    assert "<script>" not in page
    assert "<th>a&amp;b</th>" in page
    assert "<td style='text-align:left'>&lt;script&gt;</td>" in page
    assert "<td style='text-align:right'>1,000,000</td>" in page
    assert "<td style='text-align:left'>True</td>" in page


def test_a_long_table_is_cut_and_says_by_how_much():
    page = table("long", ("n",), [(n,) for n in range(MOST_ROWS + 2)])
    assert page.count("<tr>") == 1 + MOST_ROWS + 1
    assert "and 2 more" in page
    assert "more" not in table("short", ("n",), [(n,) for n in range(MOST_ROWS)])
