"""What every test may use."""

pytest_plugins = ["tests.mongo_fixture"]
