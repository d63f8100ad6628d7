from app.cli.table import table


def test_words_to_the_left_numbers_to_the_right():
    assert table([("Model", "Size"), ("Zoë", "1"), ("x" * 6, "100")], left=1) == [
        "Model   Size",
        "Zoë        1",
        "xxxxxx   100",
    ]


def test_wide_letters_take_two_columns():
    assert table([("模型", "1"), ("abcd", "2"), ("e\u0301", "3")], left=1) == [
        "模型  1",
        "abcd  2",
        "e\u0301     3",
    ]


def test_nothing():
    assert table([], left=1) == []
