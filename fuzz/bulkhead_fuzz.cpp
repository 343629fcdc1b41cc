// Fuzzes the lock-free bulkhead against the mutex reference, its permits in one stripe or in many: slots taken, given
// back, moved over others and over themselves, of any weight, calls that return and that throw, requests that would
// wait but may not, and other capacities, by threads at different stripes. After each, the two must tell the same.
// Nobody waits here: one thread plays all.
#include <bulwark/bulkhead.hpp>
#include <bulwark/detail/thread_slot.hpp>
#include <bulwark/reference/bulkhead.hpp>

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <stop_token>
#include <tuple>
#include <utility>
#include <vector>

namespace bulwark::fuzz {
namespace {

constexpr std::size_t most_slots = 300;

template <class Bulkhead>
class pool {
public:
    explicit pool(const bulkhead_config& config) : bulkhead_(config) {}

    /// A byte says what to do (its lower half) and to which slot (its upper); another one, for the last thing, what of
    /// it.
    int apply(unsigned byte, unsigned more) {
        const std::size_t which = slots_.empty() ? 0 : byte / 8 % slots_.size();
        switch (byte % 8) {
            case 0:
            case 1: return keep(bulkhead_.try_acquire());
            case 2: return slots_.empty() ? -1 : (erase(which), 0);
            case 3: return slots_.empty() ? -1 : assign(which);
            case 4: return nested(byte / 8);
            case 5: return throwing();
            case 6: {
                std::vector<slot> none;
                slots_.swap(none);
                return 0;
            }
            default: return apply_weight(more % 8, more / 8);
        }
    }

    /// All that must be the same.
    auto state() const {
        const bulkhead_snapshot s = bulkhead_.snapshot();
        return std::tuple(bulkhead_.capacity(), bulkhead_.in_use(), bulkhead_.available(), s.capacity, s.in_use,
                          s.waiting, s.admitted, s.refused, s.timed_out, s.stopped);
    }
    std::uint32_t capacity() const { return bulkhead_.capacity(); }
    std::uint32_t in_use() const { return bulkhead_.in_use(); }
    std::uint32_t available() const { return bulkhead_.available(); }
    std::uint64_t in_hand() const {
        std::uint64_t all = 0;
        for (const slot& s : slots_) all += s.weight();
        return all;
    }

private:
    using slot = typename Bulkhead::slot;

    int keep(result<slot> got) {
        if (!got) return static_cast<int>(got.error());
        if (slots_.size() < most_slots) slots_.push_back(std::move(*got));
        return 0;
    }

    int apply_weight(unsigned what, std::uint32_t n) {
        static const std::stop_token stopped = [] {
            std::stop_source source;
            source.request_stop();
            return source.get_token();
        }();
        switch (what) {
            case 0:
            case 1: return keep(bulkhead_.try_acquire(n));
            case 2: return keep(bulkhead_.try_acquire(capacity() - std::min(capacity(), n)));
            case 3: return keep(bulkhead_.try_acquire_for(std::chrono::seconds(0), n));
            case 4: return keep(bulkhead_.acquire(stopped, n));
            case 5: bulkhead_.resize(n + 1); return 0;
            case 6: bulkhead_.resize(std::max(capacity() / 2, 1U)); return 0;
            default: bulkhead_.resize(std::max(capacity(), capacity() + n)); return 0;
        }
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
    pool<bulkhead> ours(config);
    pool<reference::bulkhead> theirs(config);
    for (unsigned step = 1; input.remaining_bytes() != 0; ++step) {
        const auto byte = input.ConsumeIntegral<std::uint8_t>();
        const auto more = byte % 8 == 7 ? input.ConsumeIntegral<std::uint8_t>() : std::uint8_t{0};
        // Two leave the upper half over: it says who calls from then on.
        if (byte % 8 < 2 || byte % 8 == 7) detail::current_thread_slot = byte / 8;
        const int a = ours.apply(byte, more);
        const int b = theirs.apply(byte, more);
        const bool exact = ours.in_use() == ours.in_hand() &&
                           ours.available() == ours.capacity() - std::min(ours.in_use(), ours.capacity());
        if (a == b && ours.state() == theirs.state() && exact) continue;
        std::cerr << "bulkhead of " << stripes_of(config) << " stripes, step " << step << ", byte " << int{byte} << " "
                  << int{more} << ", at slot " << detail::current_thread_slot << ", " << ours.in_hand()
                  << " permits in hand\n";
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
