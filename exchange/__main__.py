"""`python -m exchange`: the same as the command `exchange`."""

from exchange.main import run

if __name__ == "__main__":
    run()
