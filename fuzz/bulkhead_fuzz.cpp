// Fuzzes the lock-free bulkhead against the mutex reference, its permits in one stripe or in many: slots taken, given
// back, moved over others and over themselves, calls that return and that throw, by threads at different stripes. After
// each, the two must tell the same.
#include <bulwark/bulkhead.hpp>
#include <bulwark/detail/thread_slot.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <utility>
#include <vector>

namespace bulwark::fuzz {
namespace {

constexpr std::size_t most_slots = 300;

template <class Bulkhead>
class pool {
public:
    explicit pool(const bulkhead_config& config) : bulkhead_(config) {}

    /// A byte says what to do (its lower half) and to which slot (its upper).
    int apply(unsigned byte) {
        const std::size_t which = slots_.empty() ? 0 : byte / 8 % slots_.size();
        switch (byte % 8) {
            case 0:
            case 1: return acquire();
            case 2: return slots_.empty() ? -1 : (erase(which), 0);
            case 3: return slots_.empty() ? -1 : assign(which);
            case 4: return nested(byte / 8);
            case 5: return throwing();
            case 6: {
                std::vector<slot> none;
                slots_.swap(none);
                return 0;
            }
            default: return static_cast<int>(slots_.size());
        }
    }

    std::uint32_t capacity() const { return bulkhead_.capacity(); }
    std::uint32_t in_use() const { return bulkhead_.in_use(); }
    std::uint32_t available() const { return bulkhead_.available(); }
    std::size_t slots() const { return slots_.size(); }

private:
    using slot = typename Bulkhead::slot;

    int acquire() {
        auto got = bulkhead_.try_acquire();
        if (!got) return static_cast<int>(got.error());
        if (slots_.size() < most_slots) slots_.push_back(std::move(*got));
        return 0;
    }

    void erase(std::size_t which) { slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(which)); }

    int assign(std::size_t which) {
        const bool itself = which + 1 == slots_.size();  // then nothing may be given back
        slots_[which] = std::move(slots_.back());
        if (!itself) slots_.pop_back();
        return 0;
    }

    /// Calls within calls, until there is no place; the answer of the innermost comes out.
    int nested(unsigned depth) {
        if (depth == 0) return 0;
        const auto reply = bulkhead_.execute([&] { return nested(depth - 1); });
        return reply ? *reply : static_cast<int>(depth) * 10 + static_cast<int>(reply.error());
    }

    int throwing() {
        try {
            const auto reply = bulkhead_.execute([] { throw 7; });
            return static_cast<int>(reply.error());
        } catch (int thrown) {
            return thrown;
        }
    }

    Bulkhead bulkhead_;
    std::vector<slot> slots_;
};

template <class Pool>
void print(const char* whose, int answer, const Pool& p) {
    std::cerr << whose << ": answer " << answer << ", " << p.in_use() << " in use, " << p.available()
              << " available of " << p.capacity() << '\n';
}

void compare(const bulkhead_config& config, FuzzedDataProvider& input) {
    const std::uint32_t capacity = config.max_concurrent;
    pool<bulkhead> ours(config);
    pool<reference::bulkhead> theirs(config);
    for (unsigned step = 1; input.remaining_bytes() != 0; ++step) {
        const auto byte = input.ConsumeIntegral<std::uint8_t>();
        // Acquiring and counting leave the upper half over: it says who calls from then on.
        if (byte % 8 < 2 || byte % 8 == 7) detail::current_thread_slot = byte / 8;
        const int a = ours.apply(byte);
        const int b = theirs.apply(byte);
        const bool equal = a == b && ours.capacity() == theirs.capacity() && ours.in_use() == theirs.in_use() &&
                           ours.available() == theirs.available();
        const bool exact = ours.in_use() == ours.slots() && ours.in_use() + ours.available() == capacity;
        if (equal && exact) continue;
        std::cerr << "bulkhead of " << stripes_of(config) << " stripes, step " << step << ", byte " << int{byte}
                  << ", at slot " << detail::current_thread_slot << ", " << ours.slots() << " slots in hand\n";
        print("lock-free", a, ours);
        print("reference", b, theirs);
        std::abort();
    }
}

}  // namespace
}  // namespace bulwark::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzedDataProvider input(data, size);
    bulwark::bulkhead_config config;
    const auto choice = input.ConsumeIntegralInRange<std::uint32_t>(1, 64);
    config.max_concurrent = choice < 60 ? choice : std::numeric_limits<std::uint32_t>::max() - (choice - 60);
    config.stripes = 1U << input.ConsumeIntegralInRange(0, 6);
    while (config.stripes > config.max_concurrent) config.stripes /= 2;
    bulwark::detail::current_thread_slot = 0;
    bulwark::fuzz::compare(config, input);
    return 0;
}
