"""The names, private ones too, that real applications touch."""
