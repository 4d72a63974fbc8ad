def campaign(seeds: object, console: object) -> list[object]:
    del seeds, console
    return []
