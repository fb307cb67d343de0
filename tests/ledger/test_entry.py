from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry import AMOUNT_LIMIT, LABEL_BYTES, Entry, forward, key_time_ms, mint_key, pack, unpack
from ledger.kinds import Kind

amounts = st.integers(-AMOUNT_LIMIT, AMOUNT_LIMIT)
times = st.integers(0, 2**48 - 1)
entries = st.builds(
    Entry,
    kind=st.sampled_from(Kind),
    amount=amounts,
    time_ms=times,
    actor=st.integers(0, 10**12 - 1),
    reference=st.text(st.characters(codec="utf-8"), max_size=16).filter(lambda text: len(text.encode()) <= 18),
    held=amounts,
    has_note=st.booleans(),
)


@given(entries)
def test_an_entry_is_read_back_as_it_was_packed(entry: Entry) -> None:
    assert unpack(pack(entry)) == entry


@given(entries, entries)
def test_two_entries_pack_alike_only_if_they_are_alike(one: Entry, other: Entry) -> None:
    assert (pack(one) == pack(other)) == (one == other)


def test_an_everyday_entry_takes_less_room_than_its_key() -> None:
    assert len(pack(Entry(Kind.SPEND, -1, 1_767_225_600_000, actor=100))) <= 12


@pytest.mark.parametrize("beyond", [AMOUNT_LIMIT + 1, -AMOUNT_LIMIT - 1])
def test_an_amount_past_the_limit_is_refused(beyond: int) -> None:
    pack(Entry(Kind.ADJUSTMENT, beyond - (1 if beyond > 0 else -1), 0, 1))
    with pytest.raises(ValueError, match="limit"):
        pack(Entry(Kind.ADJUSTMENT, beyond, 0, 1))


def test_actor_and_reference_share_their_room() -> None:
    pack(Entry(Kind.TOP_UP, 1, 0, actor=1, reference="x" * (LABEL_BYTES - 1)))
    with pytest.raises(ValueError, match="too long"):
        pack(Entry(Kind.TOP_UP, 1, 0, actor=1, reference="x" * LABEL_BYTES))


@given(times)
def test_a_key_is_a_uuid_of_version_7_that_tells_its_time(time_ms: int) -> None:
    key = mint_key(time_ms, Random(1).getrandbits)
    assert key_time_ms(key) == time_ms
    assert len(key) == 16
    assert key[6] >> 4 == 7
    assert key[8] >> 6 == 0b10


@given(st.lists(entries, max_size=8), amounts, amounts)
def test_a_run_of_entries_adds_up_from_what_was_before_it(run: list[Entry], available: int, held: int) -> None:
    keys = [mint_key(number, Random(1).getrandbits) for number in range(len(run))]
    packed = [part for key, entry in zip(keys, run, strict=True) for part in (key, pack(entry))]
    posted = list(forward(packed, 40, available, held))
    assert [each.sequence for each in posted] == list(range(41, 41 + len(run)))
    assert [each.key for each in posted] == keys
    for each, entry in zip(posted, run, strict=True):
        assert each.before == available
        available = entry.amount if entry.kind is Kind.SET else available + entry.amount
        held += entry.held
        assert (each.after, each.held, each.amount) == (available, held, available - each.before)
