"""URLs of databases: what is shown of them, and which of a folder's are opened."""

import pytest

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.history import addresses
from seesaw_nas.search.history.addresses import check_cluster, hide_password, permit, read_url, without_password
from seesaw_nas.search.history.database import open_storage


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("postgresql://me:secret@h/db", "postgresql://me@h/db", "secret"),
        ("postgresql://me:se@cret@h:5433/db", "postgresql://me@h:5433/db", "se@cret"),
        ("postgresql://me:se/c:ret@h/db", "postgresql://me@h/db", "se/c:ret"),
        ("postgresql://me:se%40c%2Fret@h/db", "postgresql://me@h/db", "se@c/ret"),
        ("postgresql://me:a@b/c:d%25@h/db?sslmode=require", "postgresql://me@h/db?sslmode=require", "a@b/c:d%"),
        ("postgresql://me@h/db?password=secret&sslmode=require", "postgresql://me@h/db?sslmode=require", None),
        ("postgresql://me@h/db?sslpassword=s&PASSWD=t&pwd=u", "postgresql://me@h/db", None),
        (
            "postgresql://me@h/db?options=-c%20x.password%3Ds&x_api_key=t&keepalives=1",
            "postgresql://me@h/db?keepalives=1",
            None,
        ),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dsecret", "mssql+pyodbc:///", None),
        ("postgresql://:secret@h/db", "postgresql://h/db", "secret"),
        ("sqlite:////x/a/d.db", "sqlite:////x/a/d.db", None),
    ],
)
def test_password_is_read_and_never_shown(url, shown, password):
    assert read_url(url).password == password
    assert without_password(url) == shown
    assert without_password(shown) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sec?ret@h/db",
        "postgresql://me:secret@h:port/db",
        "host=h user=me password=secret",
        "me:secret@h/db",
        "://me:secret@h/db",
        "postgresql://me@h/db?user=me:secret@h",
    ],
)
def test_what_is_no_url_is_refused_without_its_password(url):
    with pytest.raises(OptionError) as caught:
        without_password(url)
    assert "sec" not in str(caught.value)
    assert "--storage" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:s%40c@h/db", "postgresql://me:s@c@h/db", "postgresql://h/db?password=s%40c"]
)
def test_driver_s_messages_are_shown_without_the_password(url):
    assert "s@c" not in hide_password("cannot log in as me with s@c or s%40c", url)


@pytest.mark.parametrize("url", ["sqlite:///a%00b", "postgresql://u:%00@host/nas", "postgresql://host/a\0b"])
def test_null_character_is_refused(url):
    with pytest.raises(OptionError, match=r"--storage \w+://\.\.\.: a null character is no part of a database's URL"):
        read_url(url)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_database_in_memory_is_refused(url):
    with pytest.raises(OptionError, match="is in memory and would be lost; name a file, as in sqlite:///"):
        open_storage(url, create=True)


def test_file_is_the_same_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert without_password("sqlite:///x.db") == f"sqlite:///{tmp_path}/x.db"
    assert without_password("sqlite:///../x.db") == f"sqlite:///{tmp_path.parent}/x.db"
    assert read_url("sqlite:///file:x.db?uri=true").database == f"file:{tmp_path}/x.db"
    assert read_url("sqlite://").database is None
    odd = tmp_path / "a@b:c d%.db"
    assert read_url(without_password(f"sqlite:///{odd}".replace("%", "%25"))).database == str(odd)


def test_user_s_own_url_is_opened_and_the_folder_s_is_not():
    kept = "postgresql://me@far/db"
    assert permit(kept, "postgresql://me@near/db", "runs/x") == "postgresql://me@near/db"
    with pytest.raises(OptionError) as caught:
        permit(kept, "", "runs/x")
    assert str(caught.value) == (
        "runs/x keeps its trials in a database, which is opened only where you name it: give --storage "
        "postgresql://me@far/db, or put far into SEESAW_NAS_STORAGE_HOSTS"
    )


@pytest.mark.parametrize(
    ("kept", "hosts", "allowed"),
    [
        ("postgresql://me@far/db", "far", True),
        ("postgresql://me@FAR:99/db?sslmode=require", "near, far", True),
        ("postgresql://me@far.evil/db", "far", False),
        ("postgresql://me@far/db?host=evil", "far", False),
        ("postgresql://me@far/db?hostaddr=10.0.0.1", "far", False),
        ("postgresql://me@far/db?service=evil", "far", False),
        ("postgresql://me@far/db?sslmode=disable", "far", False),
        ("postgresql://far@evil/db", "far", False),
        ("postgresql:///db", "", False),
        ("postgresql:///db?host=far", "far", False),
        ("sqlite:////data/runs/x.db", "/data", True),
        ("sqlite:////data/runs/x.db", "/data/runs/x.db", True),
        ("sqlite:////data/../etc/x.db", "/data", False),
        ("sqlite:////database/x.db", "/data", False),
        ("sqlite:///x.db", "x.db", False),
        ("sqlite:////data/x.db?vfs=evil", "/data", False),
    ],
)
def test_environment_names_hosts_and_folders(kept, hosts, allowed, monkeypatch):
    monkeypatch.setenv(addresses.HOSTS, hosts)
    if allowed:
        assert permit(kept, "", "runs/x") == kept
    else:
        with pytest.raises(OptionError, match=r"^runs/x keeps its trials in a database"):
            permit(kept, "", "runs/x")


def test_text_that_a_folder_names_is_shown_harmlessly():
    with pytest.raises(OptionError) as caught:
        permit("postgresql://me@h/$(reboot)\x1b[2J", "", "runs/x")
    assert "--storage postgresql://me@h/%24%28reboot%29%1B%5B2J," in str(caught.value)


@pytest.mark.parametrize("address", ["", "auto", "127.0.0.1:6379", "localhost:6379", "ray://mine:10001"])
def test_cluster_of_this_machine_or_of_the_environment_is_connected_to(address, monkeypatch):
    monkeypatch.setenv(addresses.HOSTS, "mine")
    check_cluster(address, "runs/x")


@pytest.mark.parametrize("address", ["far:6379", "ray://far:10001", "far"])
def test_cluster_that_a_folder_names_is_not_connected_to(address):
    with pytest.raises(OptionError, match=r"^runs/x names a Ray cluster, .* give --ray-address .*far"):
        check_cluster(address, "runs/x")
