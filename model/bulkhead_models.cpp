// The permit counter under Relacy: the bound, conservation, exact refusals, and what one holder of a permit hands over
// to the next.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "explore.hpp"
#include "linearize.hpp"
#include "traits.hpp"

#include <bulwark/detail/permit_counter.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bulwark::model {
namespace {

enum class act : std::uint8_t { take, give, look };

struct plan_of_threads {
    std::uint64_t capacity = 1;
    std::vector<std::vector<act>> steps;
};

/// The bulkhead, in sequence. What a refused thread does not give back is no step of its history.
class specification {
public:
    explicit specification(const plan_of_threads& p) : free_(p.capacity) {}

    std::uint64_t operator()(act what) {
        switch (what) {
            case act::take: return free_ != 0 ? free_--, 1 : 0;
            case act::give: ++free_; return 0;
            case act::look: break;
        }
        return free_;
    }

private:
    std::uint64_t free_;
};

const plan_of_threads* current_plan_of_threads = nullptr;
std::map<std::vector<std::vector<std::uint64_t>>, bool>* judged = nullptr;

template <unsigned Threads>
struct bulkhead_suite : rl::test_suite<bulkhead_suite<Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static inline stage<bulwark::detail::permit_counter<traits<>>> permits;
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
        permits.raise(current_plan_of_threads->capacity);
        guarded.raise();
        (*guarded)(RL_INFO) = 0U;
    }

    void thread(unsigned index) {
        bool holds = false;
        for (const act what : current_plan_of_threads->steps[index]) {
            switch (what) {
                case act::take:
                    holds = permits->try_take();
                    if (holds) enter();
                    note(index + 1, what, holds ? 1 : 0);
                    break;
                case act::give:
                    if (!holds) break;
                    --inside;
                    permits->give_back();
                    note(index + 1, what, 0);
                    break;
                case act::look: note(index + 1, what, permits->available()); break;
            }
        }
    }

    void after() {
        note(Threads + 1, act::look, permits->available());
        permits.strike();
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

search_result search(const plan_of_threads& threads, const search_plan& plan, bool with_trace) {
    std::map<std::vector<std::vector<std::uint64_t>>, bool> judgements;
    current_plan_of_threads = &threads;
    judged = &judgements;
    return threads.steps.size() == 2 ? explore<bulkhead_suite<2>>(plan, with_trace)
                                     : explore<bulkhead_suite<3>>(plan, with_trace);
}

entry made(const std::string& name, const plan_of_threads& threads, const search_plan& plan) {
    return {.name = name,
            .threads = static_cast<unsigned>(threads.steps.size()),
            .plan = plan,
            .planted = {},
            .must_fail = false,
            .search = [threads](const search_plan& p, bool with_trace) { return search(threads, p, with_trace); }};
}

entry mutant(const std::string& what, const plan_of_threads& threads, const sabotage& planted) {
    entry e = made("mutant: " + what, threads, full());
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
    all.push_back(made("bulkhead, one permit", two, full()));
    all.push_back(made("bulkhead, one permit", three, full()));
    all.push_back(made("bulkhead, two permits", kept, full()));
    all.push_back(mutant("permit taken as load and store", two, {fault::torn, "try_take"}));
    all.push_back(mutant("permit given as load and store", kept, {fault::torn, "give_back"}));
    all.push_back(mutant("permit taken relaxed", two, {fault::relaxed, "try_take"}));
    all.push_back(mutant("permit given relaxed", two, {fault::relaxed, "give_back"}));
}

}  // namespace bulwark::model
