// The word of the rate limiter under Relacy: the bound over every window, that nothing is lost, and that nobody is
// refused while permits are free.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "explore.hpp"
#include "traits.hpp"

#include "../checks/rate_bound.hpp"

#include <bulwark/detail/emission.hpp>
#include <bulwark/detail/gcra.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bulwark::model {

/// The clock of the model, and what each thread read last: when it was granted what it got.
struct noted_clock : checks::nanosecond_clock<noted_clock> {
    static inline std::array<std::int64_t, 4> last{};
    static time_point now() noexcept {
        const auto time = model_clock::now().time_since_epoch();
        last[rl::thread_index()] = time.count();
        return time_point(time);
    }
};

/// Plants a defect: looks whether there are permits, then takes them in a second step.
struct check_then_add : traits<> {};
/// Plants a defect: a reservation that is cancelled comes off the word, whoever has reserved behind it.
struct refund_always : traits<> {};

template <class Traits>
using word_of_limiter = bulwark::detail::gcra<noted_clock, Traits>;

}  // namespace bulwark::model

template <>
inline bool bulwark::model::word_of_limiter<bulwark::model::check_then_add>::take(std::uint64_t n) noexcept {
    const std::uint64_t seen = read();
    const std::uint64_t now = instant();
    const std::uint64_t lead = ahead(seen, now) + n * rate_.interval();
    if (lead > rate_.burst()) return false;
    word_.fetch_add(now + lead - seen, boost::memory_order_release);
    return true;
}

template <>
inline bool bulwark::model::word_of_limiter<bulwark::model::refund_always>::cancel(const reservation& mine) noexcept {
    word_.fetch_add(mine.before - mine.word, boost::memory_order_relaxed);
    return true;
}

namespace bulwark::model {
namespace {

enum class act : std::uint8_t {
    take,
    take_two,
    reserve,  ///< a permit, for the time that it takes
    cancel,   ///< the reservation, where it is for a time to come
    pass,     ///< the clock moves on by two thirds of an interval
};

struct plan_of_callers {
    std::uint64_t burst = 1;
    std::vector<std::vector<act>> steps;
    /// All together ask for no more than a burst: each gets what it asks for.
    bool refuses_nobody = false;
};

constexpr std::int64_t interval = 3;  // ns
const plan_of_callers* current_callers = nullptr;

template <class Traits, unsigned Threads>
struct rate_suite : rl::test_suite<rate_suite<Traits, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    using limiter = word_of_limiter<Traits>;
    using answer = typename limiter::answer;

    static inline stage<limiter> word;
    // Plain: models switch threads at atomic operations only.
    static inline std::vector<checks::grant> granted;
    static inline bool refused = false;

    void before() {
        {
            const outside_relacy memory;
            granted.clear();
            granted.reserve(16);
        }
        refused = false;
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        model_clock::begin(std::chrono::nanoseconds(0));
        word.raise(bulwark::detail::emission(1, interval, current_callers->burst), std::chrono::nanoseconds::max());
    }

    void thread(unsigned index) {
        typename limiter::reservation mine;
        bool reserved = false;
        const auto keep = [&](std::int64_t at, std::uint64_t n) { granted.push_back({.at = at, .permits = n}); };
        for (const act what : current_callers->steps[index]) {
            switch (what) {
                case act::take:
                case act::take_two: {
                    const std::uint64_t n = what == act::take ? 1 : 2;
                    word->take(n) ? keep(noted_clock::last[index], n) : void(refused = true);
                    break;
                }
                case act::reserve:
                    if (reserved) keep(static_cast<std::int64_t>(mine.due), 1);
                    reserved = word->reserve(1, nullptr, mine) == answer::later;
                    if (!reserved) keep(static_cast<std::int64_t>(mine.due), 1);
                    break;
                case act::cancel:
                    if (!reserved || word->cancel(mine)) break;
                    keep(static_cast<std::int64_t>(mine.due), 1);  // it stays used
                    break;
                case act::pass: model_clock::advance(std::chrono::nanoseconds(2)); break;
            }
            if (what == act::cancel) reserved = false;
        }
        if (reserved) keep(static_cast<std::int64_t>(mine.due), 1);
    }

    void after() {
        const std::int64_t now = model_clock::now().time_since_epoch().count();
        const std::int64_t left = word->left(1).count();
        word.strike();
        model_clock::end();
        if (const char* const complaint = objection(now, left)) give_up(complaint);
    }

private:
    static const char* objection(std::int64_t now, std::int64_t left) {
        const outside_relacy memory;
        const checks::rate_bound rule{.permits = 1, .period = interval, .burst = current_callers->burst};
        if (!rule.holds(granted)) return "more granted than burst and rate allow";
        if (refused && current_callers->refuses_nobody) return "refused though permits were free";
        std::sort(granted.begin(), granted.end(),
                  [](const checks::grant& a, const checks::grant& b) { return a.at < b.at; });
        return left > rule.first_time_for(1, now, granted) - now ? "a permit was lost" : nullptr;
    }
};

template <class Traits>
search_result search(const plan_of_callers& callers, const search_plan& plan, bool with_trace) {
    current_callers = &callers;
    return callers.steps.size() == 2 ? explore<rate_suite<Traits, 2>>(plan, with_trace)
                                     : explore<rate_suite<Traits, 3>>(plan, with_trace);
}

template <class Traits = traits<>>
entry made(const std::string& name, const plan_of_callers& callers, const search_plan& plan) {
    return {
        .name = name,
        .threads = static_cast<unsigned>(callers.steps.size()),
        .plan = plan,
        .planted = {},
        .must_fail = false,
        .search = [callers](const search_plan& p, bool with_trace) { return search<Traits>(callers, p, with_trace); }};
}

template <class Traits = traits<>>
entry mutant(const std::string& what, const plan_of_callers& callers, const sabotage& planted,
             const search_plan& plan = full()) {
    entry e = made<Traits>("mutant: " + what, callers, plan);
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_rate_models(std::vector<entry>& all) {
    using enum act;
    const plan_of_callers two{.burst = 1, .steps = {{take, pass, take}, {take, pass, take}}};
    const plan_of_callers three{.burst = 2, .steps = {{take, pass, take}, {take_two, pass}, {take, pass, take}}};
    // Whoever cancels with another behind must not let a third in between.
    const plan_of_callers leaving{.burst = 1, .steps = {{take, reserve, cancel, reserve}, {reserve, pass, reserve}}};
    const plan_of_callers leaving3{.burst = 1,
                                   .steps = {{take, reserve, cancel}, {reserve, cancel, reserve}, {pass, reserve}}};
    // The clock is far on for one, and the other has not heard of it yet.
    const plan_of_callers free{.burst = 2, .steps = {{pass, pass, pass, take}, {take}}, .refuses_nobody = true};
    const auto add = [&](const std::string& name, const plan_of_callers& callers, const search_plan& through) {
        all.push_back(made(name, callers, through));
        if (through.switches != unlimited) all.push_back(made(name, callers, at_random(50'000)));
    };
    add("rate limiter, one permit", two, full());
    add("rate limiter, two permits", three, bounded(3, 2));
    add("rate limiter, reservations", leaving, bounded(4, 2));
    add("rate limiter, reservations", leaving3, bounded(3, 1));
    add("rate limiter, one always free", free, full());
    all.push_back(mutant("rate limiter's word as load and store", two, {fault::torn, "swap"}));
    all.push_back(mutant<check_then_add>("rate checked, then added to", two, {}));
    all.push_back(mutant<refund_always>("reservation cancelled before others", leaving, {}, bounded(3, 2)));
    all.push_back(mutant("reservation cancelled as load and store", leaving, {fault::torn, "cancel"}, bounded(4, 2)));
    all.push_back(mutant("rate limiter's word taken relaxed", free, {fault::relaxed, "swap"}));
    all.push_back(mutant("rate limiter's word read relaxed", free, {fault::relaxed, "read"}));
}

}  // namespace bulwark::model
