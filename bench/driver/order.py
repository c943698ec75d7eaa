"""In which order programs take their turns."""


def in_turn(items, number):
    """The order of round `number`, such that nobody always runs behind the same neighbour: after as many rounds as there are
    items, or twice as many where they are odd, each has had each other before it equally often (a Williams design)."""
    count = len(items)
    offsets = [(at + 1) // 2 if at % 2 else -(at // 2) for at in range(count)]  # 0, 1, -1, 2, -2 ...
    order = [items[(offset + number) % count] for offset in offsets]
    return order[::-1] if count % 2 and number % 2 else order
