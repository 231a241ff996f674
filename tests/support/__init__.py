"""What several tests share: models, texts, a browser. Imports nothing from any test."""
