"""The typed form of every chapter of an incident manual.

One module a chapter, named as its YAML file; `document` puts them together into a `Manual`.
"""
