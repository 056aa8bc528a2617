terraform import kit_thing.example example
