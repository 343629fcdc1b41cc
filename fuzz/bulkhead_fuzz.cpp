// Fuzzes the lock-free bulkhead against the mutex reference: slots taken, given back, moved over others and over
// themselves, calls that return and that throw. After each, the two must tell the same.
#include <bulwark/bulkhead.hpp>
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
    explicit pool(std::uint32_t capacity) : bulkhead_({.max_concurrent = capacity}) {}

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

void compare(std::uint32_t capacity, FuzzedDataProvider& input) {
    pool<bulkhead> ours(capacity);
    pool<reference::bulkhead> theirs(capacity);
    for (unsigned step = 1; input.remaining_bytes() != 0; ++step) {
        const auto byte = input.ConsumeIntegral<std::uint8_t>();
        const int a = ours.apply(byte);
        const int b = theirs.apply(byte);
        const bool equal = a == b && ours.capacity() == theirs.capacity() && ours.in_use() == theirs.in_use() &&
                           ours.available() == theirs.available();
        const bool exact = ours.in_use() == ours.slots() && ours.in_use() + ours.available() == capacity;
        if (equal && exact) continue;
        std::cerr << "bulkhead, step " << step << ", byte " << int{byte} << ", " << ours.slots() << " slots in hand\n";
        print("lock-free", a, ours);
        print("reference", b, theirs);
        std::abort();
    }
}

}  // namespace
}  // namespace bulwark::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FuzzedDataProvider input(data, size);
    const auto choice = input.ConsumeIntegralInRange<std::uint32_t>(1, 64);
    bulwark::fuzz::compare(choice < 60 ? choice : std::numeric_limits<std::uint32_t>::max() - (choice - 60), input);
    return 0;
}
