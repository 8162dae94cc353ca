"""``python -m secondlaw``."""

from secondlaw.cli.main import main

if __name__ == "__main__":
    main()
