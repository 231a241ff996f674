"""What if? Change any array of a forward pass and see what follows; measures that ask what attention really moves.

Each file asks one kind of question. They import the chapters and `model`; no chapter imports them.
"""
