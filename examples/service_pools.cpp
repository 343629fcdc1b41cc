// Service pools: three services with a bulkhead each, so that the one that hangs cannot take the threads of the others.
#include <bulwark/bulwark.hpp>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// A service as its callers see it: a name, and room for so many calls at once.
class service_pool {
public:
    service_pool(std::string name, std::uint32_t max_concurrent)
        : name_(std::move(name)), room_({.max_concurrent = max_concurrent}) {}

    template <class F>
    auto call(F&& fn) {
        auto reply = room_.execute(std::forward<F>(fn));
        (reply ? answered_ : refused_).fetch_add(1, std::memory_order_relaxed);
        return reply;
    }

    int answered() const { return answered_.load(std::memory_order_relaxed); }
    int refused() const { return refused_.load(std::memory_order_relaxed); }
    std::uint32_t in_use() const { return room_.in_use(); }

    friend std::ostream& operator<<(std::ostream& out, const service_pool& pool) {
        return out << pool.name_ << ": answered " << pool.answered() << ", refused " << pool.refused() << ", in use "
                   << pool.in_use() << " of " << pool.room_.capacity();
    }

private:
    std::string name_;
    bulwark::bulkhead room_;
    std::atomic<int> answered_{0};
    std::atomic<int> refused_{0};
};

}  // namespace

int main() {
    service_pool orders("orders", 4);
    service_pool payments("payments", 2);
    service_pool search("search", 8);

    // Payments hangs: both of its places are taken until the end.
    std::latch hanging(2);
    std::latch mended(1);
    std::vector<std::jthread> stuck;
    for (int i = 0; i != 2; ++i) {
        stuck.emplace_back([&] {
            (void)payments.call([&] {
                hanging.count_down();
                mended.wait();
            });
        });
    }
    hanging.wait();

    // Its other callers are refused at once instead of hanging too, and the other services do not notice.
    for (int i = 0; i != 10; ++i) {
        (void)payments.call([] {});
        (void)orders.call([] {});
        (void)search.call([] {});
    }
    std::cout << "while payments hangs\n  " << orders << "\n  " << payments << "\n  " << search << '\n';
    const bool isolated = orders.answered() == 10 && search.answered() == 10 && payments.refused() == 10;

    mended.count_down();
    stuck.clear();  // joins
    (void)payments.call([] {});
    std::cout << "mended\n  " << payments << '\n';
    return isolated && payments.answered() == 3 && payments.in_use() == 0 ? 0 : 1;
}
