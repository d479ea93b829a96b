"""What this project is measured by; each script names the peer it runs beside."""
