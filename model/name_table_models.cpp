// The table of names under Relacy: bulwark::detail::name_table as it ships, and with planted defects. It does not grow,
// so there is no rehash: look-up, creation and iteration beside creation are all there is.
//
// Judged are: an order of all steps at each bucket that keeps each thread's and that a table of one thread answers as
// the threads were answered (over two buckets there need not be one order: each is a word of its own, and a name that
// is just put into one and a look into the other may pass each other in a store buffer); that iteration meets nothing
// twice; that an object is whole when it is met (a plain datum, which its maker writes and everybody reads); that what
// was made in vain is gone at once, and the rest with the table, which Relacy's count of the memory says.
#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "catalogue.hpp"
#include "explore.hpp"
#include "linearize.hpp"
#include "name_table_mutants.hpp"
#include "traits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bulwark::model {
namespace {

enum class name_act : std::uint8_t {
    create,
    create_badly,  ///< what makes the object throws
    find,
    each,  ///< iteration; in the history of a bucket, the part there
    tell,  ///< the others, in a word that is not the table's
    hear,  ///< of that, or go home
};

struct name_step {
    name_act what;
    std::uint32_t name = 0;
    std::uint64_t number = 0;  ///< of the object that would be made
};

struct name_plan {
    std::uint32_t buckets = 1;
    std::vector<name_step> first{};               // NOLINT(readability-redundant-member-init): g++ asks
    std::vector<std::vector<name_step>> steps{};  // NOLINT(readability-redundant-member-init): g++ asks
    bool one_order = false;                       ///< demands too much: one order over all buckets

    std::size_t bucket_of(std::uint32_t name) const { return hashes[name] & (buckets - 1); }
};

using name_steps = std::vector<std::vector<name_step>>;
using name_answers = std::vector<std::vector<std::uint64_t>>;

constexpr std::uint64_t thrown = 0xff;
/// The answer of an iteration: eight bits for each name, its number or 0.
constexpr std::uint64_t met(std::uint32_t name, std::uint64_t number) {
    return number << 8 * name;
}

/// The table in sequence.
class name_specification {
public:
    explicit name_specification(const name_plan& /*plan*/) {}

    std::uint64_t operator()(const name_step& s) {
        switch (s.what) {
            case name_act::create:
                if (there_[s.name] == 0) there_[s.name] = s.number;
                return there_[s.name];
            case name_act::create_badly: return there_[s.name] == 0 ? thrown : there_[s.name];
            case name_act::find: return there_[s.name];
            case name_act::tell: told_ = true; return 0;
            case name_act::hear: return told_ ? 1 : 0;
            case name_act::each: break;
        }
        std::uint64_t all = 0;
        for (std::uint32_t name = 0; name != names.size(); ++name) all |= met(name, there_[name]);
        return all;
    }

private:
    std::array<std::uint64_t, names.size()> there_{};
    bool told_ = false;
};

const name_plan* current_name_plan = nullptr;
std::map<name_answers, bool>* name_judgements = nullptr;

template <class Traits, unsigned Threads>
struct name_suite : rl::test_suite<name_suite<Traits, Threads>, static_cast<rl::thread_id_t>(Threads)> {
    static inline stage<table_over<Traits>> table;
    static inline stage<atomic<std::uint32_t>> told_of;
    static inline name_steps taken;
    static inline name_answers told;

    void before() {
        {
            const outside_relacy memory;
            taken.assign(Threads + 2, {});
            told.assign(Threads + 2, {});
        }
        named::alive = 0;
        table.raise(current_name_plan->buckets);
        told_of.raise();
        for (std::size_t i = 0; i != current_name_plan->first.size(); ++i) {
            play(0, current_name_plan->first[i], 1 + i);
        }
    }

    void thread(unsigned index) {
        const auto& steps = current_name_plan->steps[index];
        for (std::size_t i = 0; i != steps.size(); ++i) {
            if (!play(index + 1, steps[i], 16 * (index + 1) + i)) return;
        }
    }

    void after() {
        play(Threads + 1, {name_act::each}, 0);
        std::uint32_t in_the_table = 0;
        std::as_const(*table).for_each([&](named&) { ++in_the_table; });
        if (in_the_table != named::alive) give_up("what was made in vain is still there");
        table.strike();
        told_of.strike();
        if (named::alive != 0) give_up("the table went without its objects");
        if (const char* const complaint = objection()) give_up(complaint);
    }

private:
    /// False: the thread goes home.
    static bool play(std::size_t to, name_step s, std::uint64_t number) {
        s.number = number;
        switch (s.what) {
            case name_act::create: {
                unsigned times = 0;
                named& got = table->get_or_create(names[s.name], [&](std::string_view name) {
                    if (++times != 1) give_up("made twice");
                    return named(name, number, !std::is_same_v<Traits, finished_late>);
                });
                note(to, s, number_of(got, s.name));
                return true;
            }
            case name_act::create_badly: create_badly(to, s); return true;
            case name_act::find: {
                named* const found = std::as_const(*table).find(names[s.name]);
                note(to, s, found == nullptr ? 0 : number_of(*found, s.name));
                return true;
            }
            case name_act::each: {
                std::uint64_t all = 0;
                std::as_const(*table).for_each([&](named& o) {
                    const auto name = static_cast<std::uint32_t>(o.name[0] - 'a');
                    if ((all & met(name, 0xff)) != 0) give_up("a name is met twice");
                    all |= met(name, number_of(o, name));
                });
                note(to, s, all);
                return true;
            }
            case name_act::tell:
                told_of->store(1, boost::memory_order_release);
                note(to, s, 0);
                return true;
            case name_act::hear:
                if (told_of->load(boost::memory_order_acquire) == 0) return false;
                note(to, s, 1);
                return true;
        }
        return true;
    }

    static void create_badly(std::size_t to, const name_step& s) {
        std::uint64_t got = thrown;
        try {
            got = number_of(
                table->get_or_create(names[s.name], [](std::string_view) -> named { throw std::uint64_t{thrown}; }),
                s.name);
        } catch (std::uint64_t) {
            got = thrown;
        }
        note(to, s, got);
    }

    static std::uint64_t number_of(named& o, std::uint32_t name) {
        if (o.name != names[name]) give_up("the object of another name");
        return o.number_when_whole();
    }

    static void note(std::size_t to, const name_step& s, std::uint64_t answer) {
        const outside_relacy memory;
        taken[to].push_back(s);
        told[to].push_back(answer);
    }

    static const char* objection() {
        const outside_relacy memory;
        const auto [at, fresh] = name_judgements->try_emplace(told);
        if (fresh) at->second = current_name_plan->one_order ? explained(taken, told) : each_bucket_explained();
        return at->second ? nullptr : "no sequential order explains it";
    }

    static bool explained(const name_steps& steps, const name_answers& answers) {
        return linearizer<name_specification, name_plan, name_step, std::uint64_t>(*current_name_plan, steps, answers)
            .explained();
    }

    static bool each_bucket_explained() {
        for (std::size_t bucket = 0; bucket != current_name_plan->buckets; ++bucket) {
            name_steps steps(taken.size());
            name_answers answers(taken.size());
            for (std::size_t who = 0; who != taken.size(); ++who) {
                for (std::size_t i = 0; i != taken[who].size(); ++i) {
                    const name_step& s = taken[who][i];
                    const bool of_a_name = s.what < name_act::each;
                    if (of_a_name && current_name_plan->bucket_of(s.name) != bucket) continue;
                    steps[who].push_back(s);
                    answers[who].push_back(s.what == name_act::each ? told[who][i] & mask_of(bucket) : told[who][i]);
                }
            }
            if (!explained(steps, answers)) return false;
        }
        return true;
    }

    /// What an iteration says of a bucket.
    static std::uint64_t mask_of(std::size_t bucket) {
        std::uint64_t mask = 0;
        for (std::uint32_t name = 0; name != names.size(); ++name) {
            if (current_name_plan->bucket_of(name) == bucket) mask |= met(name, 0xff);
        }
        return mask;
    }
};

template <class Traits>
search_result search(const name_plan& threads, const search_plan& plan, bool with_trace) {
    std::map<name_answers, bool> judgements;
    current_name_plan = &threads;
    name_judgements = &judgements;
    return threads.steps.size() == 2 ? explore<name_suite<Traits, 2>>(plan, with_trace)
                                     : explore<name_suite<Traits, 3>>(plan, with_trace);
}

template <class Traits = table_traits>
entry made(const std::string& name, const name_plan& threads, const search_plan& plan) {
    return {
        .name = name,
        .threads = static_cast<unsigned>(threads.steps.size()),
        .plan = plan,
        .planted = {},
        .must_fail = false,
        .search = [threads](const search_plan& p, bool with_trace) { return search<Traits>(threads, p, with_trace); }};
}

template <class Traits = table_traits>
entry mutant(const std::string& what, const name_plan& threads, const sabotage& planted = {}) {
    entry e = made<Traits>("mutant: " + what, threads, full());
    e.planted = planted;
    e.must_fail = true;
    return e;
}

}  // namespace

void add_name_table_models(std::vector<entry>& all) {
    using enum name_act;
    const name_plan beside{.steps = {{{create, a}, {find, a}}, {{find, a}, {find, a}}}};
    const name_plan one_name{.steps = {{{create, a}, {find, a}}, {{create, a}, {find, a}}}};
    const name_plan one_hash{.steps = {{{create, a}, {find, b}}, {{create, b}, {find, a}}}};
    const name_plan crossed{.steps = {{{create, a}, {create, b}}, {{create, b}, {create, a}}}};
    const name_plan one_bucket{.buckets = 2,
                               .first = {{create, d}},
                               .steps = {{{create, a}, {find, c}, {find, d}}, {{create, c}, {find, a}, {create, d}}}};
    const name_plan longer_chain{.first = {{create, a}, {create, c}},
                                 .steps = {{{create, b}, {find, a}}, {{create, d}, {create, c}, {find, b}}}};
    const name_plan iterated{
        .buckets = 2, .first = {{create, c}}, .steps = {{{create, a}, {create, d}}, {{each}, {find, a}, {each}}}};
    const name_plan iterated_chain{.steps = {{{create, a}, {create, b}}, {{each}, {create, c}, {each}}}};
    const name_plan throwing{.steps = {{{create, a}, {find, a}}, {{create_badly, a}, {create, a}}}};
    const name_plan two_buckets{.buckets = 2, .steps = {{{create, a}, {find, d}}, {{create, d}, {find, a}}}};
    const name_plan three_of_one{.steps = {{{create, a}}, {{create, a}}, {{create, a}}}};
    const name_plan three_of_one_place{.steps = {{{create, a}}, {{create, b}}, {{create, c}}}};
    const name_plan two_and_a_look{.steps = {{{create, a}}, {{create, a}}, {{find, a}, {find, a}}}};
    const name_plan two_and_all{.buckets = 2, .steps = {{{create, a}}, {{create, d}}, {{each}, {each}}}};
    const name_plan passed_on{.buckets = 2, .steps = {{{create, a}}, {{find, a}, {tell}}, {{hear}, {find, a}, {each}}}};
    const name_plan told{.buckets = 2,
                         .first = {{create, b}},
                         .steps = {{{create, a}, {tell}}, {{hear}, {create, d}, {find, a}}, {{create, c}}}};

    all.push_back(made("names: a look-up beside a creation", beside, full()));
    all.push_back(made("names: two of one name", one_name, full()));
    all.push_back(made("names: two of one hash", one_hash, full()));
    all.push_back(made("names: two of one hash, crossed", crossed, full()));
    all.push_back(made("names: two of one bucket", one_bucket, full()));
    all.push_back(made("names: two before a chain", longer_chain, full()));
    all.push_back(made("names: two buckets", two_buckets, full()));
    all.push_back(made("names: iteration beside creations", iterated, full()));
    all.push_back(made("names: iteration in one bucket", iterated_chain, full()));
    all.push_back(made("names: a creation that throws", throwing, full()));
    all.push_back(made("names: three of one name", three_of_one, full()));
    all.push_back(made("names: three of one bucket", three_of_one_place, full()));
    all.push_back(made("names: two of one name, a look-up", two_and_a_look, full()));
    all.push_back(made("names: two creations, iteration", two_and_all, full()));
    all.push_back(made("names: passed on", passed_on, full()));
    all.push_back(made("names: heard of", told, full()));

    all.push_back(mutant("name put in without release", beside, {fault::no_release, "get_or_create"}));
    all.push_back(mutant("name looked up relaxed", beside, {fault::relaxed, "read"}));
    all.push_back(mutant("names iterated relaxed", iterated_chain, {fault::relaxed, "read"}));
    all.push_back(mutant("name put in as load and store", one_hash, {fault::torn, "get_or_create"}));
    all.push_back(mutant<searches_once>("who loses the race puts its own in", one_name));
    all.push_back(mutant<linked_late>("in the table, then before its chain", longer_chain));
    all.push_back(mutant<finished_late>("in the table before it is whole", beside));
    all.push_back(mutant<hoards>("what was made in vain stays", one_name));
    // Not a defect of the table: more than it promises.
    name_plan demanding = two_buckets;
    demanding.one_order = true;
    all.push_back(mutant("one order over two buckets demanded", demanding));
}

}  // namespace bulwark::model
