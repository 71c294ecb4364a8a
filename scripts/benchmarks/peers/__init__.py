"""The jobs of `train.py` as users of each framework write them by hand: one module a framework.

Each module has a class `Loop` and a function `compile_products`, which multiplies matrices and nothing else.
"""
