// A program of a few atomic cells and registers, for the proof of the explorer itself: threads are functions on them,
// and the outcomes of all executions are collected.
#pragma once

#include <explore/atomic.hpp>
#include <explore/search.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <new>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace explore {

using boost::memory_order;
using boost::memory_order_acq_rel;
using boost::memory_order_acquire;
using boost::memory_order_relaxed;
using boost::memory_order_release;
using boost::memory_order_seq_cst;

struct cells {
    atomic<int> x{0};
    atomic<int> y{0};
    atomic<int> z{0};
    /// What threads found out. Each register is written by one thread.
    std::array<int, 12> r{};
};

class small_program : public program {
public:
    using body = std::function<void(cells&)>;
    using outcome = std::vector<int>;
    using outcomes = std::set<outcome>;

    /// An outcome is the first `registers` registers, then whatever `last` finds after the threads.
    small_program(std::vector<body> threads, std::size_t registers, std::function<outcome(cells&)> last = {})
        : bodies_(std::move(threads)), registers_(registers), last_(std::move(last)) {}

    std::size_t threads() const override { return bodies_.size(); }
    std::span<std::byte> world() override { return world_; }
    void begin() override { ::new (world_.data()) cells; }
    void thread(std::size_t index) override { bodies_[index](world_cells()); }
    void end() override {
        cells& c = world_cells();
        outcome all(c.r.begin(), c.r.begin() + static_cast<std::ptrdiff_t>(registers_));
        if (last_) {
            for (const int more : last_(c)) all.push_back(more);
        }
        found.insert(std::move(all));
    }

    outcomes found;

private:
    cells& world_cells() { return *std::launder(reinterpret_cast<cells*>(world_.data())); }

    std::vector<body> bodies_;
    std::size_t registers_;
    std::function<outcome(cells&)> last_;
    alignas(cells) std::array<std::byte, sizeof(cells)> world_{};
};

}  // namespace explore
