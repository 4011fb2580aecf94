"""Stands for CircuitPython's module of the pins, which the driver imports and does not use without pins."""


class Direction:
    OUTPUT = None


class DigitalInOut:
    pass
