"""The command line ``xstilts``. Its help costs no torch and no mlflow."""
