"""What two or more of the services use today. A closed list: tests/test_architecture.py holds it."""
