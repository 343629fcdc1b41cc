// Fuzzes the lock-free breaker against the mutex reference while other threads get in between: at any access of a
// shared word, calls of the others run from beginning to end. What all saw must be what the reference shows for one of
// the orders in which the interrupted call is before, between or after the others (it is linearizable), but for what
// the cells leave open (explanation.hpp).
//
// Often several orders fit; all are kept until a later call tells them apart.
//
// Time stands still within a call: one that has read the clock and is delayed acts as of its reading, which the
// reference cannot show.
#include "../tests/preemption.hpp"
#include "clock_step.hpp"
#include "configuration.hpp"
#include "explanation.hpp"

#include <bulwark/circuit_breaker.hpp>
#include <bulwark/reference/circuit_breaker.hpp>

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace bulwark::fuzz {
namespace {

template <class Breaker>
class player {
public:
    explicit player(circuit_breaker_config config) : breaker_(wired(std::move(config))) {}

    record play(const call& c) {
        const test::playing caller(c.slot);
        record mine;
        record* const outer = std::exchange(current_, &mine);
        if (c.what == act::acquire) {
            auto got = breaker_.try_acquire();
            mine.answer = got ? 0 : static_cast<int>(got.error());
            if (got) permits_.emplace(c.number, std::move(*got));
        } else if (c.what == act::observe) {
            mine.snapshot = breaker_.snapshot();
        } else if (auto held = permits_.extract(c.permit); !held.empty()) {
            permit& p = held.mapped();
            mine.answer = c.what == act::success ? p.success() : c.what == act::failure ? p.failure() : p.ignore();
        } else {
            mine.answer = -1;  // in another order of calls that permit was refused
        }
        current_ = outer;
        return mine;
    }

    /// The permit that a byte means, and 0 where there is none.
    unsigned permit_of(unsigned byte) const {
        if (permits_.empty()) return 0;
        return std::next(permits_.begin(), static_cast<std::ptrdiff_t>(byte % permits_.size()))->first;
    }

    std::size_t permits() const { return permits_.size(); }

private:
    using permit = typename Breaker::permit;

    circuit_breaker_config wired(circuit_breaker_config config) {
        // A permit that is dropped at the very end has nobody to tell.
        config.on_state_change = [this](const transition& t) {
            if (current_ != nullptr) current_->made.push_back(t);
        };
        return config;
    }

    record* current_ = nullptr;
    Breaker breaker_;
    std::map<unsigned, permit> permits_;
};

/// The reference with one possible past. Two pasts that show the same may still differ in one thing, which a later call
/// can show: what their permits are worth.
template <class Reference>
class witness {
public:
    explicit witness(const circuit_breaker_config& config)
        : question_(std::make_unique<question>()), player_(std::make_unique<player<Reference>>(asking(config))) {}

    testimony play(const call& c) {
        const call look{.what = act::observe, .at = c.at};
        testimony seen;
        seen.before = player_->play(look).snapshot;
        *question_ = {.answer = c.trips, .counts = {}};
        seen.shown = player_->play(c);
        seen.asked = question_->counts;
        const breaker_snapshot after = player_->play(look).snapshot;
        if (after.counts.requests == 1 && seen.before.counts.requests != 1) ++window_;
        worth_.erase(c.permit);
        if (c.what == act::acquire && seen.shown.answer == 0) worth_[c.number] = {after.generation, window_};
        past_.push_back(c);
        return seen;
    }

    const std::vector<call>& past() const { return past_; }

    /// Whether every call from now on finds the two alike, given that they show the same.
    bool same(const witness& other) const {
        if (worth_.size() != other.worth_.size()) return false;
        return std::equal(worth_.begin(), worth_.end(), other.worth_.begin(), [&](const auto& a, const auto& b) {
            return a.first == b.first && a.second.generation == b.second.generation &&
                   (a.second.window == window_) == (b.second.window == other.window_);
        });
    }

private:
    struct worth {
        std::uint64_t generation = 0;
        unsigned window = 0;
    };

    /// What the policy is asked, and what it has to say: what it said to the breaker under test.
    struct question {
        bool answer = false;
        std::optional<breaker_counts> counts;
    };

    circuit_breaker_config asking(circuit_breaker_config config) const {
        config.ready_to_trip = [q = question_.get()](const breaker_counts& counts) {
            q->counts = counts;
            return q->answer;
        };
        return config;
    }

    std::unique_ptr<question> question_;
    std::unique_ptr<player<Reference>> player_;
    std::vector<call> past_;
    std::map<unsigned, worth> worth_;
    unsigned window_ = 0;
};

/// What the other thread does at one access of the interrupted call.
struct intrusion {
    unsigned after = 0;  ///< so many accesses later than the one before
    std::uint32_t slot = 0;
    std::uint8_t byte = 0;
};

template <detail::layout_widths Widths>
class rehearsal {
    using lock_free = player<basic_circuit_breaker<manual_clock, test::preempted_traits<Widths>>>;
    using specified = witness<reference::basic_circuit_breaker<manual_clock, Widths.max_count>>;

public:
    explicit rehearsal(const circuit_breaker_config& config) : config_(config), born_(time()), ours_(config) {
        theirs_.emplace_back(config);
    }

    void run(FuzzedDataProvider& input) {
        while (input.remaining_bytes() != 0 && calls_ < most_calls && theirs_.size() <= most_pasts) {
            const auto byte = input.ConsumeIntegral<std::uint8_t>();
            if (byte % 4 == 3) {
                const operation o{.what = byte % 8 == 3 ? deed::tick : deed::boundary, .argument = byte / 16U};
                // Not where it would move time to the clock's end: nothing happens there any more.
                if (o.argument < 12) clock_step(config_, {}).apply(o);
            } else {
                const auto choice = input.ConsumeIntegral<std::uint8_t>();
                interrupted_call(byte, slot_of(choice / (most_intrusions + 1U)),
                                 intrusions(input, choice % (most_intrusions + 1)));
            }
        }
    }

private:
    // To try one more order the reference lives its whole past again.
    static constexpr unsigned most_calls = 200;
    static constexpr std::size_t most_pasts = 6;
    static constexpr std::size_t most_permits = 30;
    // More of them could take the epochs of the layout round once, which no thread can outsleep (see layout.hpp).
    static constexpr int most_intrusions = 4;

    static std::chrono::nanoseconds time() { return manual_clock::now().time_since_epoch(); }

    /// A thread with a cell, or the one that has none.
    std::uint32_t slot_of(unsigned choice) const { return choice % (config_.cells + 1); }

    std::vector<intrusion> intrusions(FuzzedDataProvider& input, int how_many) const {
        std::vector<intrusion> all;
        for (int i = 0; i != how_many; ++i) {
            const auto pace = input.ConsumeIntegral<std::uint8_t>();
            // More often than not at once: it takes several calls in one place to lead the breaker round.
            const unsigned after = i != 0 && pace < 160 ? 0 : pace % 32;
            all.push_back({.after = after, .slot = slot_of(pace / 32U), .byte = input.ConsumeIntegral<std::uint8_t>()});
        }
        return all;
    }

    call next_call(std::uint8_t byte, std::uint32_t slot) {
        constexpr act acts[] = {act::acquire, act::success, act::failure, act::acquire,
                                act::ignore,  act::success, act::failure, act::observe};
        call c{.number = ++calls_, .what = acts[byte / 4 % 8], .slot = slot, .at = time()};
        if (c.what == act::acquire && ours_.permits() >= most_permits) c.what = act::observe;
        if (c.what == act::acquire || c.what == act::observe) return c;
        c.permit = ours_.permit_of(byte / 32U);
        if (c.permit == 0) c.what = act::acquire;
        return c;
    }

    void interrupted_call(std::uint8_t byte, std::uint32_t slot, const std::vector<intrusion>& others) {
        call mine = next_call(byte, slot);
        std::vector<call> calls;
        std::vector<record> seen;
        auto next = others.begin();
        unsigned accesses = 0;
        test::before_access = [&] {
            bool fails = false;
            while (next != others.end() && accesses == next->after) {
                accesses = 0;
                const intrusion now = *next++;
                fails = now.byte % 4 == 3;
                if (fails) continue;
                // That permit is having its word.
                call other = next_call(now.byte, now.slot == slot ? detail::no_thread_slot : now.slot);
                if (other.permit != 0 && other.permit == mine.permit) continue;
                seen.push_back(ours_.play(other));
                other.trips = tripped(seen.back());
                calls.push_back(other);
            }
            ++accesses;
            return fails;
        };
        const record outer = ours_.play(mine);
        test::before_access = nullptr;
        mine.trips = tripped(outer);
        settle(mine, outer, calls, seen);
    }

    /// Finds the orders that explain what was seen; each is a possible past.
    void settle(const call& mine, const record& outer, const std::vector<call>& calls,
                const std::vector<record>& seen) {
        const call look{.number = ++calls_, .what = act::observe, .at = time()};
        const record after = ours_.play(look);
        std::vector<specified> fitting;
        a_past_ = theirs_.front().past();
        const auto consider = [&](specified next, std::size_t place) {
            auto order = calls;
            auto shown = seen;
            order.insert(order.begin() + static_cast<std::ptrdiff_t>(place), mine);
            shown.insert(shown.begin() + static_cast<std::ptrdiff_t>(place), outer);
            order.push_back(look);
            shown.push_back(after);
            std::vector<testimony> told;
            told.reserve(order.size());
            for (const call& c : order) told.push_back(next.play(c));
            if (!explanation(order, shown, told, place, config_).holds()) return;
            const auto alike = [&](const specified& other) { return next.same(other); };
            if (std::ranges::none_of(fitting, alike)) fitting.push_back(std::move(next));
        };
        for (specified& past : theirs_) {
            for (std::size_t place = 0; place != calls.size(); ++place) consider(relived(past.past()), place);
            consider(std::move(past), calls.size());
        }
        if (fitting.empty()) fail(mine, outer, calls, seen, after);
        theirs_ = std::move(fitting);
    }

    specified relived(const std::vector<call>& past) const {
        const auto now = time();
        turn_to(born_);
        specified again(config_);
        for (const call& c : past) {
            turn_to(c.at);
            again.play(c);
        }
        turn_to(now);
        return again;
    }

    static void turn_to(std::chrono::nanoseconds time) {
        manual_clock::reset();
        manual_clock::advance(time);
    }

    static void print(const call& c) {
        constexpr const char* names[] = {"acquire", "success", "failure", "ignore", "observe"};
        std::cerr << names[static_cast<std::size_t>(c.what)] << '(' << (c.permit == 0 ? c.number : c.permit) << ")@"
                  << c.slot;
    }

    static void print(const call& c, const record& r) {
        print(c);
        std::cerr << ": " << r.answer;
        for (const transition& t : r.made) std::cerr << ", " << t;
        if (c.what == act::observe) std::cerr << ", " << r.snapshot;
        std::cerr << '\n';
    }

    [[noreturn]] void fail(const call& mine, const record& outer, const std::vector<call>& calls,
                           const std::vector<record>& seen, const record& after) {
        std::cerr << "no order of the calls explains what they saw; " << config_ << "\ncalls so far: " << calls_
                  << "; one past that fitted until now:";
        for (const call& c : a_past_) {
            std::cerr << ' ' << c.at.count() << "ns:";
            print(c);
        }
        std::cerr << "\nat " << time().count() << "ns, interrupted: ";
        print(mine, outer);
        for (std::size_t i = 0; i != calls.size(); ++i) {
            std::cerr << "  in between: ";
            print(calls[i], seen[i]);
        }
        std::cerr << "afterwards: ";
        print({}, after);
        std::abort();
    }

    circuit_breaker_config config_;
    std::chrono::nanoseconds born_;
    lock_free ours_;
    std::vector<specified> theirs_;
    std::vector<call> a_past_;
    unsigned calls_ = 0;
};

// Epochs enough that none comes back within one interrupted call, or before a thread with a cell calls again. Counts go
// as far as the product's: at their end a call begins a new window and is counted in it in two steps, between which
// others are counted in the new window already.
/// Carries all the time.
constexpr detail::layout_widths slim{.requests = 1, .successes = 1, .failures = 1, .ignored = 1, .run = 1, .epoch = 16};
/// Carries now and then.
constexpr detail::layout_widths medium{
    .requests = 3, .successes = 2, .failures = 2, .ignored = 1, .run = 3, .epoch = 16};

}  // namespace
}  // namespace bulwark::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bulwark;
    FuzzedDataProvider input(data, size);
    circuit_breaker_config config;
    // Short ways round, so that a few calls are enough: 0 is a third of the durations, and 1 of the numbers.
    const auto duration = [&] { return std::chrono::nanoseconds(std::max(0, input.ConsumeIntegralInRange(-5, 10))); };
    config.max_requests = static_cast<std::uint32_t>(std::max(1, input.ConsumeIntegralInRange(-1, 4)));
    config.interval = duration();
    config.timeout = duration();
    config.probe_timeout = duration();
    const auto modulus = input.ConsumeIntegralInRange<std::uint32_t>(1, 12);
    config.ready_to_trip = [modulus](const breaker_counts& c) { return fuzz::touchy(c, modulus); };
    config.cells = input.ConsumeIntegralInRange(0U, 3U);
    manual_clock::reset();
    if (input.ConsumeBool()) {
        fuzz::rehearsal<fuzz::slim>(config).run(input);
    } else {
        fuzz::rehearsal<fuzz::medium>(config).run(input);
    }
    return 0;
}
