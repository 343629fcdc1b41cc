// The retry budget under Relacy: what it answers is what some sequence of the same calls is answered, so never one
// retry too many and never one too few, and nothing beyond what may be saved.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "explore.hpp"
#include "linearize.hpp"
#include "traits.hpp"

#include <bulwark/retry_budget.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bulwark::model {

/// Plants a defect: looks whether there is a retry, then takes it in a second step.
struct check_then_take : traits<> {};
/// Plants a defect: adds, and sees to the limit in a second step.
struct add_then_cut : traits<> {};

}  // namespace bulwark::model

template <>
inline bool bulwark::basic_retry_budget<bulwark::model::check_then_take>::try_withdraw() noexcept {
    if (word_.load(boost::memory_order_relaxed) < detail::one_retry) return false;
    word_.fetch_add(std::uint64_t{0} - detail::one_retry, boost::memory_order_relaxed);
    return true;
}

template <>
inline void bulwark::basic_retry_budget<bulwark::model::add_then_cut>::add_to(std::uint64_t /*seen*/,
                                                                              std::uint64_t amount) noexcept {
    const std::uint64_t now = word_.fetch_add(amount, boost::memory_order_relaxed) + amount;
    if (now > most_) word_.fetch_add(most_ - now, boost::memory_order_relaxed);
}

namespace bulwark::model {
namespace {

enum class act : std::uint8_t {
    deposit,
    withdraw,
    refund,  ///< a retry, where one was withdrawn
    look,
    tell,  ///< the others, in a word that is not the budget's
    hear,  ///< of that, or go home
};

struct plan_of_callers {
    retry_budget_config config;
    std::vector<std::vector<act>> steps;
};

/// The budget, in sequence, in hundredths of a retry.
class specification {
public:
    explicit specification(const plan_of_callers& p)
        : share_(static_cast<std::uint64_t>(p.config.percent)),
          most_(p.config.max_saved * std::uint64_t{100}),
          saved_(p.config.initial * std::uint64_t{100}) {}

    std::uint64_t operator()(act what) {
        switch (what) {
            case act::deposit: saved_ = std::min(saved_ + share_, most_); return 0;
            case act::withdraw: return saved_ >= 100 ? saved_ -= 100, 1 : 0;
            case act::refund: saved_ = std::min(saved_ + 100, most_); return 0;
            case act::look: return saved_;
            case act::tell: told_ = true; return 0;
            case act::hear: break;
        }
        return told_ ? 1 : 0;
    }

private:
    const std::uint64_t share_;
    const std::uint64_t most_;
    std::uint64_t saved_;
    bool told_ = false;
};

const plan_of_callers* current_plan_of_callers = nullptr;
std::map<std::vector<std::vector<std::uint64_t>>, bool>* judged_budgets = nullptr;

template <class Traits, unsigned Threads>
struct budget_suite : rl::test_suite<budget_suite<Traits, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static inline stage<basic_retry_budget<Traits>> budget;
    static inline stage<atomic<std::uint32_t>> told_of;
    // Plain: models switch threads at atomic operations only.
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
        census<std::uint64_t>::on_load = nullptr;  // a breaker model that gave up has left its own
        budget.raise(current_plan_of_callers->config);
        told_of.raise();
    }

    void thread(unsigned index) {
        unsigned paid = 0;
        for (const act what : current_plan_of_callers->steps[index]) {
            std::uint64_t answer = 0;
            switch (what) {
                case act::deposit: budget->deposit(); break;
                case act::withdraw:
                    answer = budget->try_withdraw() ? 1 : 0;
                    paid += static_cast<unsigned>(answer);
                    break;
                case act::refund:
                    if (paid == 0) continue;
                    --paid;
                    budget->refund();
                    break;
                case act::look: answer = hundredths(); break;
                case act::tell: told_of->store(1, boost::memory_order_release); break;
                case act::hear:
                    answer = told_of->load(boost::memory_order_acquire);
                    if (answer == 0) return;
                    break;
            }
            note(index + 1, what, answer);
        }
    }

    void after() {
        note(Threads + 1, act::look, hundredths());
        budget.strike();
        told_of.strike();
        if (!explained()) give_up("no sequence of the calls explains the answers");
    }

private:
    static std::uint64_t hundredths() { return static_cast<std::uint64_t>(std::llround(budget->balance() * 100)); }

    static void note(std::size_t sequence, act what, std::uint64_t answer) {
        const outside_relacy memory;
        taken[sequence].push_back(what);
        told[sequence].push_back(answer);
    }

    static bool explained() {
        const outside_relacy memory;
        const auto [at, fresh] = judged_budgets->try_emplace(told);
        if (fresh) {
            at->second =
                linearizer<specification, plan_of_callers, act, std::uint64_t>(*current_plan_of_callers, taken, told)
                    .explained();
        }
        return at->second;
    }
};

template <class Traits>
search_result search(const plan_of_callers& callers, const search_plan& plan, bool with_trace) {
    std::map<std::vector<std::vector<std::uint64_t>>, bool> judgements;
    current_plan_of_callers = &callers;
    judged_budgets = &judgements;
    return callers.steps.size() == 2 ? explore<budget_suite<Traits, 2>>(plan, with_trace)
                                     : explore<budget_suite<Traits, 3>>(plan, with_trace);
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
entry mutant(const std::string& what, const plan_of_callers& callers, const sabotage& planted = {}) {
    entry e = made<Traits>("mutant: " + what, callers, full());
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_retry_models(std::vector<entry>& all) {
    using enum act;
    // Failing calls: each pays in and then wants a retry.
    const plan_of_callers failing{.config = {.percent = 50, .max_saved = 2},
                                  .steps = {{deposit, withdraw, deposit, withdraw}, {deposit, withdraw, look}}};
    const plan_of_callers failing3{.config = {.percent = 50, .max_saved = 2},
                                   .steps = {{deposit, withdraw}, {deposit, withdraw}, {deposit, withdraw}}};
    const plan_of_callers last_one{.config = {.percent = 0, .max_saved = 2, .initial = 1},
                                   .steps = {{withdraw, refund}, {withdraw, withdraw}, {withdraw, refund}}};
    const plan_of_callers full_bucket{.config = {.percent = 70, .max_saved = 1, .initial = 1},
                                      .steps = {{withdraw, deposit, refund, look}, {deposit, withdraw, deposit}}};
    // Whoever has heard of a withdrawal deposits into what it left.
    const plan_of_callers heard{.config = {.percent = 100, .max_saved = 1, .initial = 1},
                                .steps = {{withdraw, tell}, {hear, deposit, look}, {hear, withdraw}}};
    all.push_back(made("retry budget, failing calls", failing, full()));
    all.push_back(made("retry budget, failing calls", failing3, full()));
    all.push_back(made("retry budget, the last retry", last_one, full()));
    all.push_back(made("retry budget, a full bucket", full_bucket, full()));
    all.push_back(made("retry budget, a deposit after a withdrawal", heard, full()));
    all.push_back(mutant("retry withdrawn as load and store", last_one, {fault::torn, "try_withdraw"}));
    all.push_back(mutant("deposit as load and store", failing, {fault::torn, "add_to"}));
    all.push_back(mutant<check_then_take>("retry looked for, then withdrawn", last_one));
    all.push_back(mutant<add_then_cut>("deposit, then the limit", full_bucket));
}

}  // namespace bulwark::model
