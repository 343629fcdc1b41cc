# Pretty-printers for gdb: a breaker or a bulkhead as what its packed words say, instead of as the words.
#
#     (gdb) source tools/gdb/bulwark_gdb.py
#     (gdb) print breaker
#     $1 = closed generation=1 requests=3 successes=2 failures=1 ignored=0 consecutive_successes=0 consecutive_failures=1
#     (gdb) print pool
#     $2 = capacity=4 in_use=3 waiting=0 closed=false
#     (gdb) print $bulwark_head(breaker.core_.head_)
#     $3 = "state=closed move=none epoch=1 requests=3 successes=2 failures=1 ignored=0 run=1 of failures"
#
# What is shown is what the words say at that moment: where a state is over by time alone (an open breaker that is due for
# its probe, a window that has ended) the program's own snapshot() shows what the next call would find, and this shows what
# is. A move under way is named. /r prints the raw members.
#
# The bits are those of include/bulwark/detail/layout.hpp, transition.hpp and permit_counter.hpp; the test gdb.printers
# compares them, and what is made of them, with the program's own word. Types of any version are known: the version is in
# an inline namespace. Needs debug information (-g), nothing running: core files do.
#
# To have gdb load it by itself, install it beside the library, as <prefix>/share/gdb/auto-load/<path of the library>-gdb.py.
import re

import gdb
import gdb.printing

U64 = (1 << 64) - 1

# name: (shift, width)
HEAD = {
    "requests": (0, 6),
    "successes": (6, 6),
    "failures": (12, 5),
    "ignored": (17, 2),
    "run": (19, 6),
    "run_joined": (25, 1),
    "run_of_failures": (26, 1),
    "state": (27, 2),
    "move": (29, 3),
    "epoch": (32, 32),
}
LANES = [
    "since_upper",
    "since_lower",
    "generation_upper",
    "generation_lower",
    "window_upper",
    "window_lower",
    "requests",
    "successes",
    "failures",
    "ignored",
    "run",
]
STATES = ["closed", "open", "half-open", "closed (disabled)"]
MOVES = ["none", "carry", "roll", "trip", "probe", "close", "force", "disable"]
FORCED = (1 << 32) - 1  # so many openings
SHARED_TAG = 24  # of the words of a shared cell, the bits below the tag
STRIPED_CLOSED = 1 << 32
STRIPED_FREE = (1 << 32) - 1
WIDE_CLOSED = 1 << 63


def field(word, name):
    shift, width = HEAD[name]
    return (word >> shift) & ((1 << width) - 1)


def word(value, bits=64):
    """What an atomic of that many bits holds: it lies at its beginning, whatever it is wrapped in."""
    unsigned = gdb.lookup_type("unsigned long" if bits == 64 else "unsigned int")
    return int(value.address.reinterpret_cast(unsigned.pointer()).dereference()) & ((1 << bits) - 1)


def array_of(unique_ptr, element):
    """The pointer in a std::unique_ptr<T[]>, which is all that is in it."""
    return unique_ptr.address.reinterpret_cast(element.pointer().pointer()).dereference()


def pairs(counts):
    return " ".join("{}={}".format(name, value) for name, value in counts)


def head_text(head):
    """All fields of a head."""
    of = "of failures" if field(head, "run_of_failures") else "of successes"
    joined = " joined" if field(head, "run_joined") else ""
    shown = [("state", STATES[field(head, "state")].replace(" ", "")), ("move", MOVES[field(head, "move")])]
    shown += [(name, field(head, name)) for name in ("epoch", "requests", "successes", "failures", "ignored", "run")]
    return "{} {}{}".format(pairs(shown), of, joined)


class Breaker:
    """basic_circuit_breaker: its core, and the cells beside it."""

    def __init__(self, value):
        self.value = value
        self.core = value["core_"]
        self.head = word(self.core["head_"])
        lanes = self.core["lanes_"]
        epoch = field(self.head, "epoch")
        bank = (epoch & 1) * len(LANES)
        seen = {name: word(lanes[bank + i]) for i, name in enumerate(LANES)}
        # A record whose tags are not those of the head is being written or read apart: not of one instant.
        self.torn = any(lane >> 32 != epoch for lane in seen.values())
        self.record = {name: lane & 0xFFFFFFFF for name, lane in seen.items()}

    def whole(self, name):
        return self.record[name + "_upper"] << 32 | self.record[name + "_lower"]

    def state(self):
        state = STATES[field(self.head, "state")]
        forced = state == "open" and self.record["failures"] == FORCED
        return state + " (forced)" if forced else state

    def counts(self):
        state = field(self.head, "state")
        # Open, the lanes of the counts hold a hint and the number of openings; disabled, nothing is counted.
        base = self.record if state in (0, 2) else dict.fromkeys(LANES, 0)
        failures = field(self.head, "failures") + (base["failures"] if state == 0 else 0)
        cells = self.cells(self.whole("window"), failures) if state == 0 else (0, 0, 0)
        run = field(self.head, "run") + (base["run"] if field(self.head, "run_joined") else 0)
        of_failures = field(self.head, "run_of_failures")
        return [
            ("requests", base["requests"] + field(self.head, "requests") + cells[0]),
            ("successes", base["successes"] + field(self.head, "successes") + cells[1]),
            ("failures", failures),
            ("ignored", base["ignored"] + field(self.head, "ignored")),
            ("consecutive_successes", 0 if of_failures else run + cells[2]),
            ("consecutive_failures", run if of_failures else 0),
        ]

    def cells(self, window, failures):
        """Requests, successes and the row of successes that threads have counted beside the head."""
        cells = self.core["cells_"]
        in_use = word(cells["in_use_"])
        requests = successes = row = 0
        traits = cells.type.strip_typedefs().template_argument(0)
        scope = cells.type.strip_typedefs().tag.split("cell_array<")[0]
        if in_use & 0xFFFFFFFF:
            own = array_of(cells["cells_"], gdb.lookup_type("{}cell<{}>".format(scope, traits)))
            for i in range(in_use & 0xFFFFFFFF):
                cell = own[i]
                if word(cell["window_"]) != window:
                    continue
                requests += word(cell["requests_"])
                successes += word(cell["successes_"])
                in_row = word(cell["row_"])
                if in_row >> 32 == failures:
                    row += in_row & 0xFFFFFFFF
        if in_use >> 32:
            shared = array_of(cells["shared_"], gdb.lookup_type("{}shared_cell<{}>".format(scope, traits)))

            def count(counter, tag):
                seen = word(counter)
                return seen & ((1 << SHARED_TAG) - 1) if seen >> SHARED_TAG == tag & (U64 >> SHARED_TAG) else 0

            for i in range(in_use >> 32):
                requests += count(shared[i]["requests_"], window)
                successes += count(shared[i]["successes_"], window)
                row += count(shared[i]["row_"], window + failures)
        return requests, successes, row

    def watched(self):
        """Whether its closed counts are in a sliding window, elsewhere."""
        return word(self.value["watch_"]) != 0

    def to_string(self):
        text = "{} generation={} ".format(self.state(), self.whole("generation"))
        if self.watched() and field(self.head, "state") == 0:
            text += "(counted in its window)"
        else:
            text += pairs(self.counts())
        if field(self.head, "move"):
            text += " (under way: {})".format(MOVES[field(self.head, "move")])
        return text + (" (torn)" if self.torn else "")


class Bulkhead:
    """basic_bulkhead: free permits in the stripes, or, closed, with the line."""

    def __init__(self, value):
        line = value["line_"]
        permits = line["permits_"]
        counter = permits.type.strip_typedefs()
        wide = counter.template_argument(1).tag.endswith("wide_word")
        stripes = int(permits["mask_"]) + 1
        words = [word(permits["first_"]["permits"])]
        if stripes > 1:
            others = array_of(permits["others_"], permits["first_"].type.strip_typedefs())
            words += [word(others[i]["permits"]) for i in range(stripes - 1)]
        flag = WIDE_CLOSED if wide else STRIPED_CLOSED
        mask = ~WIDE_CLOSED if wide else STRIPED_FREE
        self.closed = any(w & flag for w in words)
        self.capacity = word(line["capacity_"])
        self.waiting = word(line["waiting_"], 32)
        # In charge, the line's pot holds what is free, below zero where there is a debt; what came back and was not
        # collected yet is still in the stripes, and counts as held.
        free = int(line["pot_"]) if word(line["in_charge_"], 32) else sum(w & mask for w in words)
        self.in_use = max(self.capacity - free, 0)

    def to_string(self):
        return "capacity={} in_use={} waiting={} closed={}".format(
            self.capacity, self.in_use, self.waiting, "true" if self.closed else "false"
        )


class HeadFunction(gdb.Function):
    """$bulwark_head(word): the fields of the head of a circuit breaker, of the product's layout."""

    def __init__(self):
        super().__init__("bulwark_head")

    def invoke(self, value):
        scalar = value.type.strip_typedefs().code == gdb.TYPE_CODE_INT
        return head_text(int(value) & U64 if scalar else word(value))


# Types over another layout than the product's are not known: the test doubles of the library's own tests.
PRINTERS = [
    (Breaker, re.compile(r"^bulwark::(v\d\w*::)?basic_circuit_breaker<.*\bdefault_traits ?>$")),
    (Bulkhead, re.compile(r"^bulwark::(v\d\w*::)?basic_bulkhead<.*\bdefault_traits ?>$")),
]


class Printers(gdb.printing.PrettyPrinter):
    def __init__(self):
        super().__init__("bulwark", [gdb.printing.SubPrettyPrinter(p.__name__.lower()) for p, _ in PRINTERS])

    def __call__(self, value):
        name = value.type.unqualified().strip_typedefs().tag
        if name is None:
            return None
        for (printer, pattern), sub in zip(PRINTERS, self.subprinters):
            if sub.enabled and pattern.match(name):
                return printer(value)
        return None


HeadFunction()
gdb.printing.register_pretty_printer(gdb.current_objfile(), Printers(), replace=True)
