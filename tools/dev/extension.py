"""stub"""


def main(python, what):
    return 0
