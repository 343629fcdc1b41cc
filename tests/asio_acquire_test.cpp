// async_acquire(): every kind of completion token, one line with the threads that wait, and whatever may end a wait:
// a permit, a deadline, a cancellation, a shrink, the end of the context. On one thread and on several.
#include "until.hpp"

#include <bulwark/asio/acquire.hpp>
#include <bulwark/bulkhead.hpp>
#include <bulwark/memory_bulkhead.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/io_context_strand.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using bulwark::async_acquire;
using bulwark::bulkhead;
using bulwark::deadline;
using bulwark::errc;
using bulwark::slot;
using bulwark::test::until;
using namespace std::chrono_literals;
using answer = bulwark::result<slot>;

constexpr auto soon = 5ms;

bulwark::bulkhead_config one(std::uint32_t max_waiting = 100) {
    return {.max_concurrent = 1, .max_waiting = max_waiting};
}

/// Takes an answer and keeps it.
struct keeping {
    std::optional<answer>* in;
    void operator()(answer got) const { in->emplace(std::move(got)); }
};

template <class Token>
auto on(asio::io_context& context, Token token) {
    return asio::bind_executor(context.get_executor(), std::move(token));
}

errc why(const std::optional<answer>& got) {
    return !got || got->has_value() ? errc{} : got->error();
}

TEST(AsyncAcquire, AFreePermitComesByPostAndNotAtOnce) {
    bulkhead pool{one()};
    asio::io_context context;
    std::optional<answer> got;
    async_acquire(pool, on(context, keeping{&got}));
    EXPECT_FALSE(got);
    EXPECT_EQ(pool.in_use(), 1U);
    context.run();
    ASSERT_TRUE(got && *got);
    EXPECT_EQ((*got)->weight(), 1U);
    got.reset();
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.snapshot().admitted, 1U);
}

TEST(AsyncAcquire, EveryTokenIsAnswered) {
    bulkhead pool{{.max_concurrent = 1, .max_waiting = 100}};
    asio::thread_pool threads(2);
    asio::any_io_executor executor = threads.get_executor();

    EXPECT_TRUE(async_acquire(pool, asio::use_future).get());
    EXPECT_TRUE(async_acquire(pool, 1, deadline::in(1h), asio::use_future).get());
    EXPECT_TRUE(async_acquire(pool, asio::bind_executor(executor, asio::use_future)).get());
    EXPECT_TRUE(async_acquire(pool, deadline::in(1h), asio::deferred)(asio::use_future).get());

    std::promise<bool> called;
    async_acquire(pool, [&](answer got) { called.set_value(got.has_value()); });
    EXPECT_TRUE(called.get_future().get());

    const auto in_coroutine = [&]() -> asio::awaitable<int> {
        int had = 0;
        if (const auto s = co_await async_acquire(pool)) ++had;
        if (const auto s = co_await async_acquire(pool, 1)) ++had;
        if (const auto s = co_await async_acquire(pool, asio::use_awaitable)) ++had;
        if (const auto s = co_await async_acquire(pool, 1, deadline::in(1h), asio::deferred)) ++had;
        const auto [s] = co_await async_acquire(pool, asio::as_tuple(asio::use_awaitable));
        if (s) ++had;
        co_return had;
    };
    EXPECT_EQ(asio::co_spawn(executor, in_coroutine, asio::use_future).get(), 5);
    threads.join();
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(AsyncAcquire, WhoWaitsIsCalledWhenThePermitIsBack) {
    bulkhead pool{one()};
    asio::io_context context;
    auto held = pool.try_acquire();
    std::optional<answer> got;
    async_acquire(pool, on(context, keeping{&got}));
    EXPECT_EQ(context.poll(), 0U);
    EXPECT_FALSE(context.stopped()) << "who waits is outstanding work";
    EXPECT_EQ(pool.waiting(), 1U);
    {
        const auto gone = std::move(held);
    }
    EXPECT_FALSE(got) << "called in the thread of the giver";
    EXPECT_EQ(pool.in_use(), 1U);
    context.run();
    ASSERT_TRUE(got && *got);
    const auto seen = pool.snapshot();
    EXPECT_EQ(seen.admitted, 2U);
    EXPECT_GT(seen.total_wait.count(), 0);
}

TEST(AsyncAcquire, RunReturnsWhenAnotherThreadHasGivenThePermit) {
    bulkhead pool{one()};
    asio::io_context context;
    std::optional<answer> got;
    std::optional<answer> held = pool.try_acquire();
    async_acquire(pool, on(context, keeping{&got}));
    std::jthread giver([&] {
        std::this_thread::sleep_for(soon);
        held.reset();
    });
    context.run();
    EXPECT_TRUE(got && *got);
}

TEST(AsyncAcquire, OneLineForThreadsAndOperations) {
    bulkhead pool{one()};
    asio::thread_pool threads(2);
    std::mutex mutex;
    std::vector<int> order;
    const auto note = [&](int who, const answer& got) {
        const std::lock_guard lock(mutex);
        order.push_back(got ? who : -who);
    };
    std::vector<std::jthread> sleepers;
    std::optional<answer> held = pool.try_acquire();
    for (int who = 1; who != 9; ++who) {
        if (who % 2 == 0) {
            sleepers.emplace_back([&, who] { note(who, pool.acquire()); });
        } else {
            async_acquire(pool, asio::bind_executor(threads, [&, who](const answer& got) { note(who, got); }));
        }
        ASSERT_TRUE(until([&] { return pool.waiting() == static_cast<std::uint32_t>(who); }));
    }
    EXPECT_EQ(pool.try_acquire().error(), errc::bulkhead_full);
    held.reset();
    sleepers.clear();
    threads.join();
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(pool.in_use(), 0U);
}

TEST(AsyncAcquire, Refusals) {
    std::vector<errc> told;
    bulkhead pool{{.max_concurrent = 2, .max_waiting = 2, .on_event = [&](const bulwark::bulkhead_event& event) {
                       if (event.kind == bulwark::bulkhead_event_kind::refused) told.push_back(event.reason);
                   }}};
    asio::io_context context;
    std::optional<answer> held = pool.try_acquire(2);
    std::vector<std::optional<answer>> got(6);
    async_acquire(pool, 3, on(context, keeping{&got[0]}));
    async_acquire(pool, 1, deadline::in(-1ms), on(context, keeping{&got[1]}));
    async_acquire(pool, 2, on(context, keeping{&got[2]}));
    async_acquire(pool, 1, deadline::in(soon), on(context, keeping{&got[3]}));
    async_acquire(pool, 1, deadline::in(1h), on(context, keeping{&got[4]}));
    EXPECT_EQ(pool.waiting(), 2U);
    EXPECT_TRUE(until([&] {
        context.poll();
        return got[3].has_value();
    }));
    EXPECT_EQ(why(got[0]), errc::over_capacity);
    EXPECT_EQ(why(got[1]), errc::timed_out);
    EXPECT_EQ(why(got[3]), errc::timed_out);
    EXPECT_EQ(why(got[4]), errc::queue_full);
    EXPECT_EQ(pool.waiting(), 1U);
    pool.resize(1);
    EXPECT_EQ(pool.waiting(), 0U);
    context.run();
    EXPECT_EQ(why(got[2]), errc::over_capacity);
    EXPECT_EQ(told, (std::vector{errc::over_capacity, errc::timed_out, errc::queue_full, errc::timed_out,
                                 errc::over_capacity}));
    held.reset();
    async_acquire(pool, 1, deadline::in(-1ms), on(context, keeping{&got[5]}));
    context.restart();
    context.run();
    EXPECT_TRUE(got[5] && *got[5]) << "a free permit is granted even to who is late";
    const auto seen = pool.snapshot();
    EXPECT_EQ(seen.admitted, 2U);
    EXPECT_EQ(seen.refused, 3U);
    EXPECT_EQ(seen.timed_out, 2U);
}

TEST(AsyncAcquire, ALongDeadlineDoesNotKeepTheContext) {
    bulkhead pool{one()};
    asio::io_context context;
    std::optional<answer> held = pool.try_acquire();
    std::optional<answer> got;
    async_acquire(pool, deadline::in(std::chrono::hours(100)), on(context, keeping{&got}));
    held.reset();
    context.run();
    EXPECT_TRUE(got && *got);
}

TEST(AsyncAcquire, EachKindOfCancellationLeavesTheLineAtOnce) {
    using asio::cancellation_type;
    for (const auto type : {cancellation_type::terminal, cancellation_type::partial, cancellation_type::total}) {
        bulkhead pool{{.max_concurrent = 2, .max_waiting = 10}};
        asio::io_context context;
        std::optional<answer> held = pool.try_acquire();
        std::optional<answer> first;
        std::optional<answer> second;
        asio::cancellation_signal signal;
        async_acquire(pool, 2, asio::bind_cancellation_slot(signal.slot(), on(context, keeping{&first})));
        async_acquire(pool, 1, on(context, keeping{&second}));
        EXPECT_EQ(pool.waiting(), 2U);
        signal.emit(cancellation_type::none);
        EXPECT_EQ(pool.waiting(), 2U);
        signal.emit(type);
        EXPECT_FALSE(first) << "called within emit()";
        EXPECT_EQ(pool.waiting(), 0U) << "who leaves lets those behind it pass";
        signal.emit(type);
        context.run();
        EXPECT_EQ(why(first), errc::stopped);
        EXPECT_TRUE(second && *second);
        signal.emit(type);
        EXPECT_EQ(pool.snapshot().stopped, 1U);
        EXPECT_EQ(pool.in_use(), 2U);
    }
}

TEST(AsyncAcquire, WhoWasGrantedBeforeTheCancellationGetsIt) {
    bulkhead pool{one()};
    asio::io_context context;
    std::optional<answer> held = pool.try_acquire();
    std::optional<answer> got;
    asio::cancellation_signal signal;
    async_acquire(pool, asio::bind_cancellation_slot(signal.slot(), on(context, keeping{&got})));
    held.reset();
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    EXPECT_TRUE(got && *got);
}

TEST(AsyncAcquire, ASignalMayComeLateOrBeGoneBefore) {
    asio::cancellation_signal late;
    {
        bulkhead pool{one()};
        asio::io_context context;
        auto early = std::make_unique<asio::cancellation_signal>();
        const auto held = pool.try_acquire();
        std::optional<answer> got;
        async_acquire(pool, asio::bind_cancellation_slot(late.slot(), on(context, keeping{&got})));
        async_acquire(pool, deadline::in(1h), asio::bind_cancellation_slot(early->slot(), on(context, keeping{&got})));
        early.reset();
        EXPECT_EQ(pool.waiting(), 2U);
    }
    late.emit(asio::cancellation_type::all);
}

TEST(AsyncAcquire, ACoroutineIsCancelledInTheLine) {
    bulkhead pool{one()};
    asio::io_context context;
    std::optional<answer> held = pool.try_acquire();
    asio::cancellation_signal signal;
    std::optional<errc> got;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            const auto s = co_await async_acquire(pool);
            got = s ? errc{} : s.error();
        },
        asio::bind_cancellation_slot(signal.slot(), asio::detached));
    context.poll();
    EXPECT_EQ(pool.waiting(), 1U);
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    EXPECT_EQ(pool.waiting(), 0U);
    EXPECT_EQ(got, errc::stopped);
}

TEST(AsyncAcquire, TheContextEndsWithWaitersInLine) {
    bulkhead pool{one()};
    std::optional<answer> held = pool.try_acquire();
    const auto kept = std::make_shared<int>(0);
    bool called = false;
    {
        asio::io_context context;
        for (int i = 0; i != 3; ++i) {
            async_acquire(pool, on(context, [&called, kept](const answer&) { called = true; }));
            async_acquire(pool, deadline::in(1h), on(context, [&called, kept](const answer&) { called = true; }));
        }
        EXPECT_EQ(pool.waiting(), 6U);
        EXPECT_EQ(kept.use_count(), 7);
    }
    EXPECT_EQ(pool.waiting(), 0U);
    EXPECT_EQ(kept.use_count(), 1);
    EXPECT_EQ(pool.snapshot().stopped, 6U);
    EXPECT_EQ(pool.in_use(), 1U);
    held.reset();
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_FALSE(called);
}

TEST(AsyncAcquire, TheContextEndsWithAPermitOnItsWay) {
    bulkhead pool{one()};
    std::optional<answer> held = pool.try_acquire();
    const auto kept = std::make_shared<int>(0);
    {
        asio::io_context context;
        async_acquire(pool, on(context, [kept](const answer&) { FAIL(); }));
        async_acquire(pool, deadline::in(1h), on(context, [kept](const answer&) { FAIL(); }));
        held.reset();
        EXPECT_EQ(pool.in_use(), 1U);
    }
    EXPECT_EQ(pool.in_use(), 0U);
    EXPECT_EQ(pool.waiting(), 0U);
    EXPECT_EQ(kept.use_count(), 1);
}

TEST(AsyncAcquire, TheContextEndsWhileOthersGiveBack) {
    for (int round = 0; round != 200; ++round) {
        bulkhead pool{{.max_concurrent = 2, .max_waiting = 100}};
        std::optional<answer> first = pool.try_acquire();
        std::optional<answer> second = pool.try_acquire();
        std::optional<asio::io_context> context(std::in_place);
        for (int i = 0; i != 6; ++i) {
            const auto until = i % 2 == 0 ? deadline::never() : deadline::in(1h);
            async_acquire(pool, 1, until,
                          asio::bind_executor(asio::make_strand(*context), [](const answer&) { FAIL(); }));
        }
        {
            std::jthread giver([&] { first.reset(); });
            std::jthread another([&] { second.reset(); });
            context.reset();
        }
        EXPECT_EQ(pool.in_use(), 0U);
        EXPECT_EQ(pool.waiting(), 0U);
    }
}

TEST(AsyncAcquire, TheHandlersExecutorIsKeptTo) {
    bulkhead pool{one()};
    asio::thread_pool threads(2);
    const auto strand = asio::make_strand(threads);
    asio::io_context context;
    asio::io_context::strand of_the_past(context);
    std::atomic<int> right = 0;
    std::optional<answer> held = pool.try_acquire();
    async_acquire(pool, asio::bind_executor(strand, [&](const answer&) { right += strand.running_in_this_thread(); }));
    async_acquire(pool, deadline::in(soon),
                  asio::bind_executor(strand, [&](const answer&) { right += strand.running_in_this_thread(); }));
    async_acquire(pool, deadline::in(soon), asio::bind_executor(of_the_past, [&](const answer&) {
                      right += of_the_past.running_in_this_thread();
                  }));
    const asio::any_completion_executor secretive(context.get_executor());
    std::thread::id ran;
    async_acquire(pool, deadline::in(1h),
                  asio::bind_executor(secretive, [&](const answer&) { ran = std::this_thread::get_id(); }));
    context.run_for(2 * soon);
    held.reset();
    threads.join();
    context.restart();
    context.run();
    EXPECT_EQ(right, 3);
    EXPECT_EQ(ran, std::this_thread::get_id());
}

/// Counts what is allocated and not given back.
template <class T>
struct counting_allocator {
    using value_type = T;
    struct counts {
        std::ptrdiff_t live = 0;
        std::ptrdiff_t all = 0;
    };
    counts* in;

    explicit counting_allocator(counts& c) : in(&c) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) : in(reinterpret_cast<counts*>(other.in)) {}
    T* allocate(std::size_t n) {
        ++in->live;
        ++in->all;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) {
        --in->live;
        std::allocator<T>().deallocate(p, n);
    }
    bool operator==(const counting_allocator&) const = default;
};

TEST(AsyncAcquire, TheHandlersAllocatorIsUsedAndPaidBackBeforeTheCall) {
    using allocator = counting_allocator<char>;
    bulkhead pool{one()};
    for (const bool waits : {false, true}) {
        allocator::counts seen;
        std::ptrdiff_t live_in_call = -1;
        asio::io_context context;
        std::optional<answer> held;
        if (waits) held = pool.try_acquire();
        asio::cancellation_signal signal;
        async_acquire(pool, waits ? deadline::in(1h) : deadline::never(),
                      asio::bind_cancellation_slot(
                          signal.slot(), asio::bind_allocator(allocator(seen), on(context, [&](const answer& got) {
                                                                  EXPECT_TRUE(got);
                                                                  live_in_call = seen.live;
                                                              }))));
        EXPECT_EQ(seen.live, 1) << waits;
        held.reset();
        context.run();
        EXPECT_EQ(live_in_call, 0) << waits;
        EXPECT_GE(seen.all, 1) << waits;
    }
}

TEST(AsyncAcquire, BytesInOrder) {
    bulwark::memory_bulkhead budget{{.max_bytes = 100, .max_waiting = 10}};
    asio::io_context context;
    using share = bulwark::result<bulwark::memory_bulkhead::slot>;
    std::optional<share> held = budget.try_acquire(60);
    std::vector<std::pair<int, std::uint64_t>> order;
    const auto note = [&](int who) {
        return on(context, [&, who](share got) { order.emplace_back(who, got->weight()); });
    };
    async_acquire(budget, 80, note(1));
    async_acquire(budget, 10, note(2));
    context.poll();
    EXPECT_TRUE(order.empty()) << "a small one does not overtake";
    held.reset();
    context.run();
    EXPECT_EQ(order, (std::vector<std::pair<int, std::uint64_t>>{{1, 80}, {2, 10}}));
    EXPECT_EQ(budget.in_use(), 0U);
}

/// Many operations on several threads, ended by permits, deadlines, cancellations and shrinks, beside threads that
/// wait.
TEST(AsyncAcquire, NothingIsLostOnSeveralThreads) {
    bulkhead pool{{.max_concurrent = 3, .max_waiting = 1000}};
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    std::atomic<std::uint64_t> admitted = 0;
    std::atomic<std::uint64_t> refused = 0;
    const auto use = [&](const answer& got) {
        if (!got) {
            ++refused;
            return;
        }
        ++admitted;
        const int weight = static_cast<int>(got->weight());
        const int now = inside += weight;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        inside -= weight;
    };
    constexpr int calls = 2'000;
    {
        asio::thread_pool threads(4);
        const auto one_of = [&](std::uint32_t seed) -> asio::awaitable<void> {
            std::minstd_rand random(seed + 1);
            const auto strand = asio::make_strand(co_await asio::this_coro::executor);
            for (int i = 0; i != calls / 8; ++i) {
                const auto n = static_cast<std::uint32_t>(1 + random() % 3);
                const auto until = random() % 2 == 0 ? deadline::never() : deadline::in(1us * (random() % 300));
                if (random() % 4 == 0) {
                    auto signal = std::make_shared<asio::cancellation_signal>();
                    asio::post(strand, [&pool, n, until, signal, use, strand] {
                        async_acquire(pool, n, until,
                                      asio::bind_cancellation_slot(
                                          signal->slot(),
                                          asio::bind_executor(strand, [signal, use](const answer& got) { use(got); })));
                    });
                    asio::post(strand, [signal] { signal->emit(asio::cancellation_type::total); });
                } else {
                    const auto got = co_await async_acquire(pool, n, until);
                    use(got);
                    if (random() % 4 == 0) co_await asio::post(asio::use_awaitable);
                }
            }
        };
        for (std::uint32_t i = 0; i != 8; ++i) asio::co_spawn(threads, one_of(i), asio::detached);
        std::jthread sleeper([&] {
            for (int i = 0; i != calls / 8; ++i) use(pool.acquire(1 + static_cast<std::uint32_t>(i % 3)));
        });
        std::jthread resizer([&] {
            for (int i = 0; i != 100; ++i) {
                pool.resize(1 + static_cast<std::uint32_t>(i % 3));
                std::this_thread::yield();
            }
            pool.resize(3);
        });
        threads.join();
    }
    const auto seen = pool.snapshot();
    EXPECT_EQ(seen.in_use, 0U);
    EXPECT_EQ(seen.waiting, 0U);
    EXPECT_LE(most, 3);
    EXPECT_EQ(admitted + refused, calls + calls / 8);
    EXPECT_EQ(seen.admitted, admitted);
    EXPECT_EQ(seen.refused + seen.timed_out + seen.stopped, refused);
    EXPECT_TRUE(pool.try_acquire(3));
}

}  // namespace
