"""The submissions of the comparison."""

from __future__ import annotations

from ten_submissions import cases, find, submissions


def test_there_are_ten_in_three_languages_with_mixed_verdicts() -> None:
    """Correct programs alone would not show the time of failing ones."""
    ten = submissions()

    assert len(ten) == 10
    assert all(one.path.is_file() for one in ten)
    assert {one.language for one in ten} == {"c", "cpp", "python"}
    assert {word for one in ten for word in one.verdicts} == {"AC", "WA", "RE", "CE", "MLE", "TLE"}


def test_each_case_has_a_verdict_unless_nothing_was_run() -> None:
    """Verdicts are compared case by case."""
    for one in submissions():
        assert one.verdicts == ("CE",) or len(one.verdicts) == len(list(cases()))


def test_an_answer_is_the_sum_of_its_numbers() -> None:
    """A wrong answer would make the comparison worthless."""
    for case in cases():
        count, *numbers = map(int, case.input.split())

        assert len(numbers) == count
        assert int(case.answer) == sum(numbers)


def test_only_the_last_case_passes_32_bits() -> None:
    """Some of the ten fail there, and nowhere else."""
    answers = [int(case.answer) for case in cases()]

    assert answers[-1] >= 1 << 32
    assert max(answers[:-1]) < 1 << 31


def test_one_is_found_by_the_name_of_its_file() -> None:
    """The other benchmarks use the same programs."""
    assert find("accepted.c").language == "c"
