// What else counts permits: the semaphores that users have at hand, behind the face of a bulkhead, so that the cases of
// the bulkhead run on them unchanged.
//
// They differ in how they wait. POSIX's, and Boost's over it, sleep at once, and so does bulwark. libstdc++'s looks 16
// times before, with four calls of sched_yield() among them; moodycamel's looks 10,000 times. moodycamel_no_spin is the
// same with none.
#pragma once

#include <bulwark/bulkhead_config.hpp>

#include <boost/interprocess/sync/interprocess_semaphore.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <semaphore>
#include <string_view>
#include <utility>

#include <semaphore.h>

#if BULWARK_BENCH_MOODYCAMEL
// The first has a macro that the second needs.
#include <concurrentqueue.h>
#include <lightweightsemaphore.h>
#endif
#if BULWARK_BENCH_TBB
#include <tbb/flow_graph.h>
#endif

namespace bulwark::bench {

class std_semaphore {
public:
    static constexpr std::string_view name = "std_semaphore";
    explicit std_semaphore(std::uint32_t permits) : semaphore_(static_cast<std::ptrdiff_t>(permits)) {}
    bool take() { return semaphore_.try_acquire(); }
    void wait() { semaphore_.acquire(); }
    void give_back() { semaphore_.release(); }

private:
    std::counting_semaphore<> semaphore_;
};

class posix_semaphore {
public:
    static constexpr std::string_view name = "posix_sem_t";
    explicit posix_semaphore(std::uint32_t permits) { ::sem_init(&semaphore_, 0, permits); }
    ~posix_semaphore() { ::sem_destroy(&semaphore_); }
    posix_semaphore(const posix_semaphore&) = delete;
    posix_semaphore& operator=(const posix_semaphore&) = delete;
    bool take() { return ::sem_trywait(&semaphore_) == 0; }
    void wait() {
        while (::sem_wait(&semaphore_) != 0) {  // interrupted by a signal
        }
    }
    void give_back() { ::sem_post(&semaphore_); }

private:
    ::sem_t semaphore_;
};

class boost_semaphore {
public:
    static constexpr std::string_view name = "boost_interprocess";
    explicit boost_semaphore(std::uint32_t permits) : semaphore_(permits) {}
    bool take() { return semaphore_.try_wait(); }
    void wait() { semaphore_.wait(); }
    void give_back() { semaphore_.post(); }

private:
    boost::interprocess::interprocess_semaphore semaphore_;
};

#if BULWARK_BENCH_MOODYCAMEL
class moodycamel_semaphore {
public:
    static constexpr std::string_view name = "moodycamel";
    explicit moodycamel_semaphore(std::uint32_t permits) : semaphore_(static_cast<std::ptrdiff_t>(permits)) {}
    bool take() { return semaphore_.tryWait(); }
    void wait() {
        while (!semaphore_.wait()) {  // interrupted by a signal
        }
    }
    void give_back() { semaphore_.signal(); }

protected:
    moodycamel_semaphore(std::uint32_t permits, int looks) : semaphore_(static_cast<std::ptrdiff_t>(permits), looks) {}

private:
    moodycamel::LightweightSemaphore semaphore_;
};

class moodycamel_no_spin : public moodycamel_semaphore {
public:
    static constexpr std::string_view name = "moodycamel_no_spin";
    explicit moodycamel_no_spin(std::uint32_t permits) : moodycamel_semaphore(permits, 0) {}
};
#endif

#if BULWARK_BENCH_TBB
/// No semaphore, but what oneTBB has for the purpose: lets so many messages pass until it is told that they are done.
class tbb_limiter {
public:
    static constexpr std::string_view name = "tbb_limiter_node";
    explicit tbb_limiter(std::uint32_t permits) : limiter_(graph_, permits), behind_(graph_, 0, accept{}) {
        tbb::flow::make_edge(limiter_, behind_);
    }
    bool take() { return limiter_.try_put({}); }
    void give_back() { limiter_.decrementer().try_put({}); }

private:
    // It lets nothing pass where nobody receives it. Lightweight: in the thread that takes, not in a task.
    struct accept {
        tbb::flow::continue_msg operator()(tbb::flow::continue_msg message) const noexcept { return message; }
    };
    tbb::flow::graph graph_;
    tbb::flow::limiter_node<tbb::flow::continue_msg> limiter_;
    tbb::flow::function_node<tbb::flow::continue_msg, tbb::flow::continue_msg, tbb::flow::lightweight> behind_;
};
#endif

template <class Semaphore>
class as_bulkhead {
public:
    class slot {
    public:
        explicit slot(Semaphore& owner) noexcept : owner_(&owner) {}
        slot(slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        slot& operator=(slot&&) = delete;
        ~slot() {
            if (owner_ != nullptr) owner_->give_back();
        }

    private:
        Semaphore* owner_;
    };

    explicit as_bulkhead(const bulkhead_config& config) : semaphore_(config.max_concurrent) {}

    std::optional<slot> try_acquire() {
        if (!semaphore_.take()) return std::nullopt;
        return slot(semaphore_);
    }
    std::optional<slot> acquire() {
        semaphore_.wait();
        return slot(semaphore_);
    }

private:
    Semaphore semaphore_;
};

/// Adds a side for each of these, each as an As.
template <template <class> class As, class... Semaphores, class Case>
void add_sides(Case& a_case) {
    (a_case.template side<As<Semaphores>>(Semaphores::name), ...);
}

/// Those that can wait.
template <template <class> class As = as_bulkhead, class Case>
void add_semaphores(Case a_case) {
    add_sides<As, std_semaphore, posix_semaphore, boost_semaphore>(a_case);
#if BULWARK_BENCH_MOODYCAMEL
    add_sides<As, moodycamel_semaphore>(a_case);
#endif
}

/// And what can only refuse.
template <class Case>
void add_semaphores_and_limiter(Case a_case) {
    add_semaphores(a_case);
#if BULWARK_BENCH_TBB
    add_sides<as_bulkhead, tbb_limiter>(a_case);
#endif
}

}  // namespace bulwark::bench
