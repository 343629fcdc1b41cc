// The changes of one memory order, or of one read-modify-write, that no scenario of the explorer notices, each with the
// reason. --sweep fails where another change survives, where one of these is noticed after all, and where one of these
// is no longer there, or is there twice: the text is that of the source line, so that lines may move.
//
// A mutant named here is one of model/, which finds the change.
#pragma once

#include <array>
#include <string_view>

namespace explore {

struct survivor {
    std::string_view file;
    std::string_view text;
    std::string_view change;  ///< the weaker order, or "split"
    std::string_view reason;
};

inline constexpr std::array expected_survivors{
    survivor{"cells.hpp", "row_.store(0, memory_order_release);", "relaxed",
             "no scenario here needs it; mutant 'row begun relaxed' does"},
    survivor{"cells.hpp", "successes_.store(successes + 1, memory_order_release);", "relaxed",
             "no scenario here needs it; mutant 'success counted relaxed' does"},
    survivor{"shared_cell.hpp", "sum.requests += count_of(requests_.load(memory_order_acquire), window);", "relaxed",
             "no scenario here needs it; mutant 'shared requests read relaxed' does"},
    survivor{"permit_counter.hpp", "return from.compare_exchange_weak(seen, seen - n, memory_order_acq_rel);",
             "release",
             "read() has acquired the value, and a word with puts has it once; of bytes the same number may be "
             "another's: mutant 'bytes taken without acquire'"},
    survivor{"permit_counter.hpp", "if (stripe.compare_exchange_weak(seen, next, memory_order_acq_rel)) {", "release",
             "likewise: mutant 'bytes closed without acquire'"},
    survivor{"permit_counter.hpp", "if (stripe.compare_exchange_weak(seen, next, memory_order_acq_rel)) {", "acquire",
             "releases what the line said before, and there is no line here: mutant 'stripe closed without release'"},
    survivor{"permit_counter.hpp", "if (stripe.compare_exchange_weak(seen, next, memory_order_acq_rel)) {", "relaxed",
             "the two before"},
    survivor{"permit_counter.hpp",
             "Word::free(at(i).fetch_add(Word::one_put + share(permits, i) - Word::closed, memory_order_acq_rel));",
             "release",
             "what is found stays in the stripe: who takes it acquires it, for this addition is of the release "
             "sequence of the one that brought it"},
    survivor{"permit_counter.hpp", "if (came != 0) at(i).fetch_add(0 - came, memory_order_acq_rel);", "release",
             "read() has acquired what is collected, and what came since is left for the next time"},
    survivor{"permit_counter.hpp", "if (came != 0) at(i).fetch_add(0 - came, memory_order_acq_rel);", "acquire",
             "it is of the release sequences of those who closed and gave back, and who collects says nothing of its "
             "own before it opens"},
    survivor{"permit_counter.hpp", "if (came != 0) at(i).fetch_add(0 - came, memory_order_acq_rel);", "relaxed",
             "the two before"},
};

}  // namespace explore
