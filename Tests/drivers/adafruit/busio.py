"""Stands for CircuitPython's module of the buses, of which the driver imports a type."""


class UART:
    pass
