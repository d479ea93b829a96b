"""The folder that XTREME's ``scripts/download_data.sh`` leaves: readers of its formats, and where its files are."""
