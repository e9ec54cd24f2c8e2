"""The contract of `UserRepository`: text that is part of a name or an e-mail address."""

import pytest

from shared.http.pagination import Cursor, Slice
from tests.repositories.builders import NOON, a_user, minutes
from user_service.ports import UserFilter, UserRepository


async def names(users: UserRepository, wanted: UserFilter) -> set[str]:
    return {user.full_name for user in await users.list(wanted, Slice(100))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada", {"Ada (No. 1)"}),
        ("(no. 1)", {"Ada (No. 1)"}),
        ("No.", {"Ada (No. 1)"}),
        (".*", set()),
        ("^A", set()),
        ("a|b", set()),
        ("[", set()),
        ("\\", {"Back\\slash %_"}),
        ("%_", {"Back\\slash %_"}),
        ("_", {"Back\\slash %_"}),
        ("\0", set()),
        ("'", {"O'Hara"}),
        ("été à ōsaka", {"ÉTÉ à Ōsaka"}),
        ("O'HARA@EXAMPLE", {"O'Hara"}),
        ('{"$gt": ""}', set()),
        ("1)ada", set()),
    ],
)
async def test_text_is_matched_literally_in_any_case(
    users: UserRepository, text: str, expected: set[str]
) -> None:
    await users.add(a_user(full_name="Ada (No. 1)", email="ada@x.org"))
    await users.add(a_user(full_name="Back\\slash %_", email="slash@x.org"))
    await users.add(a_user(full_name="ÉTÉ à Ōsaka", email="ete@x.org"))
    await users.add(a_user(full_name="O'Hara", email="o'hara@example.org"))
    assert await names(users, UserFilter(text=text)) == expected
    assert await users.count(UserFilter(text=text)) == len(expected)


async def test_text_finds_the_present_name(users: UserRepository) -> None:
    ada = a_user(full_name="Ada")
    await users.add(ada)
    await users.change(ada.id, {"full_name": "GRACE"})
    assert await names(users, UserFilter(text="grace")) == {"GRACE"}
    assert await names(users, UserFilter(text="ada")) == set()


async def test_text_search_is_paged(users: UserRepository) -> None:
    made = [a_user(full_name=f"Ada {n}", created_at=NOON + minutes(n)) for n in range(4)]
    await users.add(a_user(full_name="Bill"))
    for user in made:
        await users.add(user)
    wanted = UserFilter(text="ada")
    first = await users.list(wanted, Slice(2))
    rest = await users.list(wanted, Slice(9, Cursor.of(first[-1])))
    assert [*first, *rest] == made[::-1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("José", "jose"),
        ("José", "JOSE\u0301"),
        ("Jose\u0301", "José"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσεύς"),
        ("Οδυσσέας ΟΔΟΣ", "οδός"),
        ("Straßmann", "STRASSMANN"),
        ("STRASSMANN", "straß"),
        ("Đorđe", "dorde"),
        ("Ａｄａ", "ada"),
        ("İpek", "ipek"),
        ("Ada Lovelace", "  lovelace\t"),
        ("Ada Lovelace", "Ada  Lovelace"),
        ("日本 太郎", "太郎"),
    ],
)
async def test_text_is_compared_after_folding(users: UserRepository, name: str, text: str) -> None:
    await users.add(a_user(full_name=name))
    await users.add(a_user(full_name="Bill"))
    assert await names(users, UserFilter(text=text)) == {name}


async def test_text_finds_a_folded_email(users: UserRepository) -> None:
    await users.add(a_user(full_name="Ada", email="ada.strasse@example.org"))
    await users.add(a_user(full_name="Émile", email="émile@example.org"))
    assert await names(users, UserFilter(text=" Straße@")) == {"Ada"}
    assert await names(users, UserFilter(text="ÉMILE@")) == {"Émile"}
