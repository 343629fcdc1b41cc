// Two callers, one of whom is held up before each access of a shared word, each lock and each telling in turn, while
// the other runs until it is done or cannot go on: every pair of operations, on one stripe and on two. In the end
// nobody may be left waiting, nobody over the capacity have been inside, and every permit be back.
//
// Who is held up is a thread that stands still there, so the other meets exactly what it would meet if the system had
// taken the processor away; a lock that is held meanwhile is held.
#include "bulkhead_kinds.hpp"
#include "until.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/detail/parker.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using bulwark::errc;
using bulwark::test::until;
using namespace std::chrono_literals;

/// What the threads of a play know of each other; all of it behind one lock, so that nobody has to look again and
/// again.
class board {
public:
    template <class Change>
    void set(Change change) {
        {
            const std::lock_guard lock(mutex_);
            change();
        }
        changed_.notify_all();
    }
    template <class Condition>
    void wait(Condition condition) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::minutes(1), condition)) bulwark::test::waited_in_vain();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
};

board news;

/// One of the two. The flags are the board's.
struct actor {
    actor* other = nullptr;
    bool first = false;
    int accesses_left = -1;  ///< until it is held up; below 0: it will not be
    bool may_begin = false;
    bool blocked = false;  ///< at a lock or asleep; or about to be
    bool held_up = false;
    bool was_held_up = false;
    bool done = false;

    bool quiet() const { return blocked || done; }

    /// The first lets the second begin, and waits until that one is held up in turn or can do nothing more; the second
    /// until the first can do nothing more.
    void hold_up() {
        accesses_left = -1;
        news.set([this] {
            was_held_up = true;
            held_up = !first;
            other->may_begin = true;
        });
        news.wait([this] { return other->quiet() || other->held_up; });
        news.set([this] { held_up = false; });
    }
};

thread_local actor* self = nullptr;
thread_local std::uint32_t slot_of_thread = 0;

/// Before each access.
void point() {
    if (self == nullptr || self->accesses_left < 0) return;
    if (self->accesses_left == 0) {
        self->hold_up();
    } else {
        --self->accesses_left;
    }
}

/// Around whatever may block.
class blocking {
public:
    blocking() {
        if (self == nullptr) return;
        self->accesses_left = -1;
        news.set([] {
            self->blocked = true;
            self->other->may_begin = true;
        });
    }
    blocking(const blocking&) = delete;
    blocking& operator=(const blocking&) = delete;
    ~blocking() {
        if (self != nullptr) news.set([] { self->blocked = false; });
    }
};

template <class T>
class held_up_atomic {
public:
    explicit held_up_atomic(T initial = T()) noexcept : word_(initial) {}
    T load(boost::memory_order order) const noexcept { return (point(), word_.load(order)); }
    void store(T value, boost::memory_order order) noexcept { point(), word_.store(value, order); }
    T fetch_add(T addend, boost::memory_order order) noexcept { return (point(), word_.fetch_add(addend, order)); }
    bool compare_exchange_weak(T& expected, T desired, boost::memory_order success) noexcept {
        return (point(), word_.compare_exchange_weak(expected, desired, success));
    }
    bool compare_exchange_strong(T& expected, T desired, boost::memory_order success) noexcept {
        return (point(), word_.compare_exchange_strong(expected, desired, success));
    }

private:
    bulwark::detail::atomic<T> word_;
};

class held_up_mutex {
public:
    void lock() {
        point();
        if (mutex_.try_lock()) return;
        const blocking here;
        mutex_.lock();
    }
    void unlock() { mutex_.unlock(); }

private:
    std::mutex mutex_;
};

class held_up_parker {
public:
    std::uint32_t wait(std::uint32_t old) {
        point();
        const blocking here;
        return parker_.wait(old);
    }
    std::uint32_t wait_until(std::uint32_t old, std::chrono::steady_clock::time_point end) {
        point();
        const blocking here;
        return parker_.wait_until(old, end);
    }
    bool change(std::uint32_t from, std::uint32_t to) { return (point(), parker_.change(from, to)); }
    void finish(std::uint32_t last) { point(), parker_.finish(last); }

private:
    bulwark::detail::parker parker_;
};

struct held_up_traits {
    template <class T>
    using atomic = held_up_atomic<T>;
    using mutex = held_up_mutex;
    using parker = held_up_parker;
    static void pause() noexcept {}
    static std::uint32_t thread_slot() noexcept { return slot_of_thread; }
};

using pool_type = bulwark::basic_bulkhead<bulwark::detail::calls, held_up_traits>;
using slot = pool_type::slot;
using got = bulwark::result<slot>;

constexpr std::uint32_t most = 4;  // no operation below makes the capacity more

/// What the two work on, and what is known about it.
struct scene {
    scene(std::uint32_t capacity, std::uint32_t stripes, std::uint32_t max_waiting)
        : pool(std::make_unique<pool_type>(bulwark::bulkhead_config{
              .max_concurrent = capacity, .max_waiting = max_waiting, .stripes = stripes, .cells = 0})) {}

    std::unique_ptr<pool_type> pool;
    std::array<std::optional<slot>, 2> in_hand;  ///< of each of the two, to give back
    std::vector<slot> kept;                      ///< comes back when both can do nothing
    std::stop_source stop;
    std::uint32_t slot_of_first = 0;  ///< the second has the other of 0 and 1
    std::atomic<std::uint32_t> inside{0};
    std::atomic<bool> over{false};

    /// Inside, and out again.
    errc visit(const got& admitted) {
        if (!admitted) return admitted.error();
        const std::uint32_t now = inside += admitted->weight();
        if (now > most) over = true;
        inside -= admitted->weight();
        return errc{};
    }
};

struct operation {
    const char* name;
    std::function<void(scene&, std::size_t who)> run;
    bool uses_hand = false;
};

void expect_one_of(errc answer, std::initializer_list<errc> allowed) {
    for (const errc a : allowed) {
        if (answer == a) return;
    }
    ADD_FAILURE() << "answered " << static_cast<int>(answer);
}

const std::vector<operation>& operations() {
    using enum errc;
    static const std::vector<operation> all = {
        {"try 1",
         [](scene& s, std::size_t) { expect_one_of(s.visit(s.pool->try_acquire(1)), {errc{}, bulkhead_full}); }},
        {"try 2",
         [](scene& s, std::size_t) {
             expect_one_of(s.visit(s.pool->try_acquire(2)), {errc{}, bulkhead_full, over_capacity});
         }},
        {"acquire 1", [](scene& s, std::size_t) { expect_one_of(s.visit(s.pool->acquire(1)), {errc{}, queue_full}); }},
        {"acquire 2",
         [](scene& s, std::size_t) {
             expect_one_of(s.visit(s.pool->acquire(2)), {errc{}, queue_full, over_capacity});
         }},
        {"for 50us",
         [](scene& s, std::size_t) {
             expect_one_of(s.visit(s.pool->try_acquire_for(50us, 2)), {errc{}, timed_out, queue_full, over_capacity});
         }},
        {"until stopped",
         [](scene& s, std::size_t) {
             expect_one_of(s.visit(s.pool->acquire(s.stop.get_token(), 1)), {errc{}, stopped, queue_full});
         }},
        {"stop", [](scene& s, std::size_t) { s.stop.request_stop(); }},
        {"give back", [](scene& s, std::size_t who) { s.in_hand[who].reset(); }, true},
        {"grow", [](scene& s, std::size_t) { s.pool->resize(most); }},
        {"shrink", [](scene& s, std::size_t) { s.pool->resize(1); }},
        {"look",
         [](scene& s, std::size_t) {
             const auto seen = s.pool->snapshot();
             EXPECT_LE(seen.in_use, most);
             EXPECT_LE(seen.waiting, 2U);
         }},
    };
    return all;
}

/// Which of the two were held up; a call may have fewer accesses than that.
struct holds {
    bool first;
    bool second;
};

holds play(scene& s, const operation& first, const operation& second, int first_access, int second_access = -1) {
    std::array<actor, 2> actors;
    actors[0].other = &actors[1];
    actors[0].first = true;
    actors[0].accesses_left = first_access;
    actors[0].may_begin = true;
    actors[1].other = actors.data();
    actors[1].accesses_left = second_access;
    for (std::size_t who = 0; who != 2; ++who) {
        if (s.in_hand[who] && !(who == 0 ? first : second).uses_hand) s.kept.push_back(std::move(*s.in_hand[who]));
    }
    {
        const auto act = [&](std::size_t who, const operation& what) {
            slot_of_thread = static_cast<std::uint32_t>(who) ^ s.slot_of_first;
            news.wait([&] { return actors[who].may_begin; });
            self = &actors[who];
            what.run(s, who);
            self = nullptr;
            news.set([&] {
                actors[1].may_begin = true;
                actors[who].done = true;
            });
        };
        std::jthread one([&] { act(0, first); });
        std::jthread two([&] { act(1, second); });
        // When both can do nothing more, what nobody uses comes back.
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        for (bool over = false; !over;) {
            if (std::chrono::steady_clock::now() > end) bulwark::test::waited_in_vain();
            std::array<bool, 2> done{};
            news.wait([&] {
                done = {actors[0].done, actors[1].done};
                return actors[0].quiet() && actors[1].quiet();
            });
            over = done[0] && done[1];
            if (over) break;
            if (!s.kept.empty()) {
                s.kept.pop_back();
            } else {
                s.stop.request_stop();
            }
            std::this_thread::yield();
        }
    }
    return {actors[0].was_held_up, actors[1].was_held_up};
}

void expect_whole(scene& s) {
    s.kept.clear();
    for (auto& held : s.in_hand) held.reset();
    EXPECT_FALSE(s.over) << "more inside than there are permits";
    EXPECT_EQ(s.pool->waiting(), 0U);
    EXPECT_EQ(s.pool->in_use(), 0U);
    EXPECT_EQ(s.pool->available(), s.pool->capacity());
    EXPECT_TRUE(s.pool->try_acquire(s.pool->capacity())) << "the stripes are not open";
}

TEST(WaitingRace, EveryPairOfOperationsAtEveryAccess) {
    struct beginning {
        std::uint32_t capacity, kept, max_waiting;
        bool in_hand;
    };
    constexpr std::uint32_t any = 100;
    constexpr std::array<beginning, 5> beginnings = {
        {{2, 2, any, false}, {3, 1, any, true}, {2, 0, any, true}, {3, 1, 1, true}, {2, 0, any, false}}};
    std::size_t played = 0;
    for (const std::uint32_t stripes : {1U, 2U}) {
        for (const beginning& b : beginnings) {
            for (const operation& first : operations()) {
                for (const operation& second : operations()) {
                    for (int access = 0; access != 200; ++access) {
                        scene s(b.capacity, stripes, b.max_waiting);
                        SCOPED_TRACE(std::string(first.name) + " held up at " + std::to_string(access) + " by " +
                                     second.name + ", " + std::to_string(b.capacity) + " permits, " +
                                     std::to_string(b.kept) + " kept, " + std::to_string(stripes) + " stripes");
                        for (std::uint32_t i = 0; i != b.kept; ++i) s.kept.push_back(s.pool->try_acquire().value());
                        if (b.in_hand) {
                            for (auto& held : s.in_hand) held.emplace(s.pool->try_acquire().value());
                        }
                        const bool held_up = play(s, first, second, access).first;
                        expect_whole(s);
                        ++played;
                        if (::testing::Test::HasFailure()) return;
                        if (!held_up) break;
                    }
                }
            }
        }
    }
    EXPECT_GT(played, 5000U);
}

/// So many are kept, and what is left is in the first stripe as far as can be.
void poor_second_stripe(scene& s, std::uint32_t kept) {
    std::vector<slot> all;
    for (std::uint32_t i = s.pool->available(); i != 0; --i) all.push_back(s.pool->try_acquire().value());
    for (std::uint32_t i = 0; i != kept; ++i) {
        s.kept.push_back(std::move(all.back()));
        all.pop_back();
    }
}

/// However the other is in the middle of its own, as long as there is a permit for each.
TEST(WaitingRace, NobodyIsRefusedWhatWasFreeAllTheTime) {
    struct company {
        operation other;
        std::uint32_t capacity;
        std::uint32_t kept;  ///< taken by the first
        std::uint32_t wanted;
    };
    const operation takes{"take and give", [](scene& s, std::size_t) { EXPECT_TRUE(s.pool->try_acquire(2)); }};
    const operation resizes{"shrink and grow", [](scene& s, std::size_t) {
                                s.pool->resize(2);
                                s.pool->resize(4);
                            }};
    const operation asks_for_all{
        "all of it", [](scene& s, std::size_t) { static_cast<void>(s.pool->try_acquire(s.pool->capacity())); }};
    const operation errs{"more than there is", [](scene& s, std::size_t) {
                             EXPECT_EQ(s.pool->try_acquire(s.pool->capacity() + 1).error(), errc::over_capacity);
                         }};
    // Collects all and spreads it again: what is left free is in another stripe than before.
    const operation spreads{"spread", [](scene& s, std::size_t) { s.pool->resize(s.pool->capacity()); }};
    const std::vector<company> companies = {{takes, 4, 0, 2},        {takes, 4, 1, 1},   {resizes, 4, 0, 2},
                                            {resizes, 4, 1, 1},      {spreads, 2, 1, 1}, {spreads, 4, 1, 3},
                                            {spreads, 4, 3, 1},      {spreads, 4, 2, 2}, {spreads, 4, 0, 4},
                                            {asks_for_all, 4, 1, 3}, {errs, 2, 0, 2}};
    for (const std::uint32_t stripes : {1U, 2U, 4U}) {
        for (const company& c : companies) {
            if (stripes > c.capacity) continue;
            const operation mine{"free", [&c](scene& s, std::size_t) { EXPECT_TRUE(s.pool->try_acquire(c.wanted)); }};
            for (const unsigned way : {0U, 1U, 2U, 3U}) {
                const bool swapped = way / 2 != 0;
                holds held{true, true};
                for (int i = 0; i != 200 && held.first; ++i) {
                    held.second = true;
                    for (int j = 0; j != 200 && held.second; ++j) {
                        SCOPED_TRACE(std::to_string(c.wanted) + " of " + std::to_string(c.capacity) + " beside " +
                                     c.other.name + (swapped ? ", which is first" : ", which is second") + ", at " +
                                     std::to_string(i) + " and " + std::to_string(j) + ", " + std::to_string(c.kept) +
                                     " kept, " + std::to_string(stripes) + " stripes");
                        scene s(c.capacity, stripes, 10);
                        s.slot_of_first = way % 2;
                        poor_second_stripe(s, c.kept);
                        held = swapped ? play(s, c.other, mine, i, j) : play(s, mine, c.other, i, j);
                        expect_whole(s);
                        if (::testing::Test::HasFailure()) return;
                    }
                }
            }
        }
    }
}

/// Who has got the whole capacity may end the bulkhead, though those who gave it back are still on their way out.
TEST(WaitingRace, TheBulkheadMayGoAsSoonAsTheWholeCapacityCameBack) {
    const operation give{"give back", [](scene& s, std::size_t who) { s.in_hand[who].reset(); }, true};
    for (const std::uint32_t stripes : {1U, 2U}) {
        for (const bool shrinks : {false, true}) {
            for (int access = 0; access != 200; ++access) {
                SCOPED_TRACE("at " + std::to_string(access) + ", " + std::to_string(stripes) + " stripes");
                scene s(2, stripes, 10);
                for (auto& held : s.in_hand) held.emplace(s.pool->try_acquire().value());
                if (shrinks) s.pool->resize(1);
                std::jthread owner([&s] {
                    {
                        EXPECT_TRUE(s.pool->acquire(s.pool->capacity()));
                    }
                    s.pool.reset();
                });
                EXPECT_TRUE(until([&] { return s.pool->waiting() == 1; }));
                const bool held_up = play(s, give, give, access).first;
                owner.join();
                EXPECT_EQ(s.pool, nullptr);
                if (!held_up) break;
            }
        }
    }
}

}  // namespace
