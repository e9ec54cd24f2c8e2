"""The demo content: invented songs synthesised to real audio, covers, people, and what they listened to.

`seed.seed` puts it all in through the public API, as any client would; `python -m embedded.demo` does so from
a shell.
"""
