// The permit counter under Relacy: the bound, conservation, exact refusals, and what one holder of a permit hands over
// to the next.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "explore.hpp"
#include "linearize.hpp"
#include "traits.hpp"

#include <bulwark/detail/permit_counter.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bulwark::model {

using shipped = slotted_traits<>;
/// Plants a defect: a thread is refused as soon as it has found every stripe empty once.
struct hasty : slotted_traits<> {};

}  // namespace bulwark::model

template <>
inline bool bulwark::detail::permit_counter<bulwark::model::hasty>::still_empty(std::uint64_t /*puts*/) const noexcept {
    return true;
}

namespace bulwark::model {
namespace {

enum class act : std::uint8_t {
    take,
    give,  ///< a permit, where one is held
    look,
    tell,  ///< the others, in a word that is not the bulkhead's
    hear,  ///< of that, or go home
};

struct plan_of_threads {
    std::uint32_t capacity = 1;
    std::vector<std::vector<act>> steps;
    std::uint32_t stripes = 1;
    /// The slots of the threads.
    std::array<std::uint32_t, 3> slots{0, 1, 2};
};

/// The bulkhead, in sequence. What a refused thread does not give back is no step of its history.
class specification {
public:
    explicit specification(const plan_of_threads& p) : free_(p.capacity) {}

    std::uint64_t operator()(act what) {
        switch (what) {
            case act::take: return free_ != 0 ? free_--, 1 : 0;
            case act::give: ++free_; return 0;
            case act::look: return free_;
            case act::tell: told_ = true; return 0;
            case act::hear: break;
        }
        return told_ ? 1 : 0;
    }

private:
    std::uint64_t free_;
    bool told_ = false;
};

const plan_of_threads* current_plan_of_threads = nullptr;
std::map<std::vector<std::vector<std::uint64_t>>, bool>* judged = nullptr;

template <class Traits, unsigned Threads>
struct bulkhead_suite : rl::test_suite<bulkhead_suite<Traits, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static inline stage<bulwark::detail::permit_counter<Traits>> permits;
    static inline stage<atomic<std::uint32_t>> told_of;
    /// What the holder of the one permit works on: Relacy reports a race where two hold it, or where the one before
    /// has not handed it over. With more permits than one nobody touches it.
    static inline stage<rl::var<unsigned>> guarded;
    // Plain: models switch threads at atomic operations only.
    static inline std::uint64_t inside = 0;
    static inline std::vector<std::vector<act>> taken;
    static inline std::vector<std::vector<std::uint64_t>> told;

    void before() {
        {
            const outside_relacy memory;
            taken.assign(Threads + 2, {});
            told.assign(Threads + 2, {});
            for (auto& sequence : taken) sequence.reserve(8);
            for (auto& sequence : told) sequence.reserve(8);
        }
        inside = 0;
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        Traits::slots = current_plan_of_threads->slots;
        permits.raise(current_plan_of_threads->capacity, current_plan_of_threads->stripes);
        told_of.raise();
        guarded.raise();
        (*guarded)(RL_INFO) = 0U;
    }

    void thread(unsigned index) {
        unsigned held = 0;
        for (const act what : current_plan_of_threads->steps[index]) {
            switch (what) {
                case act::take: {
                    const bool taken_one = permits->try_take();
                    if (taken_one) enter();
                    held += taken_one ? 1 : 0;
                    note(index + 1, what, taken_one ? 1 : 0);
                    break;
                }
                case act::give:
                    if (held == 0) break;
                    --held;
                    --inside;
                    permits->give_back();
                    note(index + 1, what, 0);
                    break;
                case act::look: note(index + 1, what, permits->available()); break;
                case act::tell:
                    told_of->store(1, boost::memory_order_release);
                    note(index + 1, what, 0);
                    break;
                case act::hear:
                    if (told_of->load(boost::memory_order_acquire) == 0) return;
                    note(index + 1, what, 1);
                    break;
            }
        }
    }

    void after() {
        note(Threads + 1, act::look, permits->available());
        permits.strike();
        told_of.strike();
        guarded.strike();
        if (const char* const complaint = objection()) give_up(complaint);
    }

private:
    static void enter() {
        if (++inside > current_plan_of_threads->capacity) give_up("more inside than there are permits");
        if (current_plan_of_threads->capacity == 1) (*guarded)(RL_INFO) = (*guarded)(RL_INFO) + 1U;
    }

    static void note(std::size_t sequence, act what, std::uint64_t answer) {
        const outside_relacy memory;
        taken[sequence].push_back(what);
        told[sequence].push_back(answer);
    }

    static const char* objection() {
        const outside_relacy memory;
        if (told.back().back() + inside != current_plan_of_threads->capacity) {
            return "a permit was lost, or there is one too many";
        }
        const auto [at, fresh] = judged->try_emplace(told);
        if (fresh) {
            at->second =
                linearizer<specification, plan_of_threads, act, std::uint64_t>(*current_plan_of_threads, taken, told)
                    .explained();
        }
        return at->second ? nullptr : "no sequential order explains it";
    }
};

template <class Traits>
search_result search(const plan_of_threads& threads, const search_plan& plan, bool with_trace) {
    std::map<std::vector<std::vector<std::uint64_t>>, bool> judgements;
    current_plan_of_threads = &threads;
    judged = &judgements;
    return threads.steps.size() == 2 ? explore<bulkhead_suite<Traits, 2>>(plan, with_trace)
                                     : explore<bulkhead_suite<Traits, 3>>(plan, with_trace);
}

template <class Traits = shipped>
entry made(const std::string& name, const plan_of_threads& threads, const search_plan& plan) {
    return {
        .name = name,
        .threads = static_cast<unsigned>(threads.steps.size()),
        .plan = plan,
        .planted = {},
        .must_fail = false,
        .search = [threads](const search_plan& p, bool with_trace) { return search<Traits>(threads, p, with_trace); }};
}

template <class Traits = shipped>
entry mutant(const std::string& what, const plan_of_threads& threads, const sabotage& planted,
             const search_plan& plan = full()) {
    entry e = made<Traits>("mutant: " + what, threads, plan);
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_bulkhead_models(std::vector<entry>& all) {
    using enum act;
    const plan_of_threads two{.capacity = 1, .steps = {{take, give, take, look, give}, {take, give, take, give}}};
    const plan_of_threads three{.capacity = 1, .steps = {{take, give}, {take, give}, {take, look, give}}};
    const plan_of_threads kept{.capacity = 2, .steps = {{take, give, look}, {take}, {take, give}}};
    // Twice where it is not every execution: all within a bound, and some of those beyond it.
    const auto add = [&](const std::string& name, const plan_of_threads& threads, const search_plan& through) {
        all.push_back(made(name, threads, through));
        if (through.switches != unlimited) all.push_back(made(name, threads, at_random(50'000)));
    };
    add("bulkhead, one permit", two, full());
    add("bulkhead, one permit", three, bounded(4, 2));
    add("bulkhead, two permits", kept, bounded(4, 2));
    all.push_back(mutant("permit taken as load and store", two, {fault::torn, "take_from"}));
    all.push_back(mutant("permit given as load and store", kept, {fault::torn, "give_back"}));
    all.push_back(mutant("permit taken relaxed", two,
                         {.kind = fault::relaxed, .function = "take_from", .other_function = "read"}));
    all.push_back(mutant("permit given relaxed", two, {fault::relaxed, "give_back"}));

    // Two stripes. The figure of available() is for people then: nobody looks while others are at work.
    const auto striped = [](plan_of_threads p, std::array<std::uint32_t, 3> slots = {0, 1, 2}) {
        p.stripes = 2;
        p.slots = slots;
        return p;
    };
    // The one permit begins in the stripe of thread 0; thread 1 steals it, and gives it back to its own.
    const plan_of_threads stolen =
        striped({.capacity = 1, .steps = {{take, give, take, give}, {take, give, take, give}}});
    const plan_of_threads stolen3 = striped({.capacity = 1, .steps = {{take, give}, {take, give}, {take, give}}});
    // Never more than one permit is in use by the other, so nobody is ever refused, wherever the free one is.
    const plan_of_threads wanders = striped({.capacity = 2, .steps = {{take, give, take, give}, {take, give, take}}});
    const plan_of_threads kept2 = striped({.capacity = 2, .steps = {{take, give}, {take}, {take, give}}});
    // Thread 1 takes the second permit only after it has heard that thread 0 gave back the first: one is always free,
    // and thread 2 finds it, also where it meets the change of the one stripe before that of the other.
    const plan_of_threads never_full = striped({.capacity = 2, .steps = {{take, give, tell}, {hear, take}, {take}}});
    const plan_of_threads never_full_mirrored =
        striped({.capacity = 2, .steps = {{take, give, tell}, {hear, take}, {take}}}, {1, 0, 1});
    add("bulkhead, a permit between two stripes", stolen, bounded(4, 2));
    add("bulkhead, a permit between two stripes", stolen3, bounded(4, 2));
    add("bulkhead, two stripes, two permits", wanders, bounded(4, 2));
    add("bulkhead, two stripes, two permits", kept2, bounded(4, 2));
    add("bulkhead, two stripes, one always free", never_full, full());
    add("bulkhead, two stripes, one always free", never_full_mirrored, full());
    all.push_back(mutant<hasty>("refused after one reading", never_full, {}));
    all.push_back(mutant("striped permit taken without release", never_full, {fault::no_release, "take_from"}));
    all.push_back(mutant("striped permit taken without acquire", stolen,
                         {.kind = fault::no_acquire, .function = "take_from", .other_function = "read"}));
    all.push_back(mutant("striped permit given without release", stolen, {fault::no_release, "give_back"}));
    all.push_back(mutant("stripes read relaxed", never_full, {fault::relaxed, "read"}));
}

}  // namespace bulwark::model
