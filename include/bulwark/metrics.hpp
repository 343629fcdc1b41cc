// What operators want to see of breakers, bulkheads and the rest, by name: a registry that is asked when somebody
// scrapes, and families of samples as Prometheus and OpenMetrics have them.
//
//     bulwark::metrics metrics;
//     const auto a = metrics.watch("orders", breaker);
//     const auto b = metrics.watch("orders", pool);
//     std::string page = bulwark::to_prometheus_text(metrics.collect());   // prometheus_text.hpp
//
// Compartments are watched whole, metrics.watch(services), each under its own name.
//
// Pull only: what is watched is not touched until collect() takes its snapshot. So watching costs a call nothing, and a
// scrape costs each watched object one snapshot().
//
// Names: bulwark_<type>_<what>_<unit>, units are seconds, bytes, or none where calls, permits or threads are counted;
// label `name` is what was watched. Counters end in _total and only grow while the object lives. A breaker's counts
// begin anew with every window and generation, so they are gauges (bulwark_circuit_breaker_window_...); what grows is
// the number of its transitions, and what a call_meter (call_meter.hpp) counts. docs/metrics.md lists them all.
//
// A type T of one's own is watched where its namespace has a function
// void describe(bulwark::metric_writer&, const bulwark::metric_labels&, const T&).
//
// Thread safety: every member may be called from any thread at any time. A watched object must live until its
// watch ends, which waits for a scrape that is under way. Progress: blocking; nobody but scrapers and those who begin
// or end a watch takes the lock. Throws std::bad_alloc. In values of labels,
// bytes that are no UTF-8 are replaced: Prometheus refuses a whole page for one of them.
#pragma once

#include <bulwark/breaker_types.hpp>
#include <bulwark/bulkhead_types.hpp>
#include <bulwark/version.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bulwark::inline BULWARK_ABI {

namespace detail {
class metric_sources;
}  // namespace detail

enum class metric_type : std::uint8_t { counter, gauge, histogram };

struct metric_label {
    std::string name;
    std::string value;

    friend bool operator==(const metric_label&, const metric_label&) = default;
};
using metric_labels = std::vector<metric_label>;

/// Of a histogram: how many observations were at most so large.
struct metric_bucket {
    double upper_bound = 0;
    std::uint64_t cumulative_count = 0;

    friend bool operator==(const metric_bucket&, const metric_bucket&) = default;
};

struct metric_sample {
    metric_labels labels;
    double value = 0;                    ///< of a histogram the sum of all observations
    std::uint64_t count = 0;             ///< of a histogram
    std::vector<metric_bucket> buckets;  ///< of a histogram, bounds rising, without that for infinity
};

/// Samples of one name, one meaning and one type, no two with the same labels.
struct metric_family {
    std::string name;
    std::string help;
    metric_type type = metric_type::gauge;
    std::vector<metric_sample> samples;
};

/// Gathers samples into families, in the order of their first sample. Of two samples with the same labels the first is
/// kept. Throws std::invalid_argument where a metric or a label has no sound name, or a family two types.
class metric_writer {
public:
    void counter(std::string_view name, std::string_view help, metric_labels labels, double value);
    void gauge(std::string_view name, std::string_view help, metric_labels labels, double value);
    void histogram(std::string_view name, std::string_view help, metric_labels labels,
                   std::vector<metric_bucket> buckets, std::uint64_t count, double sum);

    std::vector<metric_family> take() noexcept { return std::move(families_); }

private:
    friend detail::metric_sources;

    void put(std::string_view name, std::string_view help, metric_type type, metric_sample sample);
    metric_family& family(std::string_view name, std::string_view help, metric_type type);

    std::vector<metric_family> families_;
    std::set<std::string> series_;  ///< name and labels of each sample
    /// The most that each counter of the object at hand has shown so far, by its series; null: it is not kept.
    std::map<std::string, double>* most_ = nullptr;
};

struct adaptive_limit_snapshot;
struct call_meter_snapshot;
struct retry_snapshot;
struct thread_pool_bulkhead_snapshot;

void describe(metric_writer& to, const metric_labels& labels, const breaker_snapshot& seen);
void describe(metric_writer& to, const metric_labels& labels, const bulkhead_snapshot& seen);
void describe(metric_writer& to, const metric_labels& labels, const thread_pool_bulkhead_snapshot& seen);
void describe(metric_writer& to, const metric_labels& labels, const adaptive_limit_snapshot& seen);
void describe(metric_writer& to, const metric_labels& labels, const retry_snapshot& seen);
void describe(metric_writer& to, const metric_labels& labels, const call_meter_snapshot& seen);

namespace detail {

void describe_bytes(metric_writer& to, const metric_labels& labels, const bulkhead_snapshot& seen);
void describe_rate(metric_writer& to, const metric_labels& labels, std::uint64_t available, std::uint64_t burst,
                   double retry_after);
void describe_budget(metric_writer& to, const metric_labels& labels, double balance);
void describe_late(metric_writer& to, const metric_labels& labels, std::uint64_t late);
void describe_left(metric_writer& to, const metric_labels& labels, std::uint64_t skipped, std::uint64_t under_way);
void describe_hedges(metric_writer& to, const metric_labels& labels, std::uint64_t hedges);

template <class T>
concept describes_itself =
    requires(metric_writer& to, const metric_labels& labels, const T& object) { describe(to, labels, object); };
template <class T>
concept has_snapshot = requires(const T& object) { object.snapshot(); };
template <class T>
concept counts_bytes_in_use = requires { typename T::slot; } && std::is_same_v<typename T::weight_type, std::uint64_t>;
template <class T>
concept has_services = requires(const T& object) { object.for_each([](const auto&) {}); };
template <class T>
concept limits_a_rate = requires(const T& object) {
    object.available();
    object.retry_after();
    object.capacity();
};
template <class T>
concept keeps_a_balance = requires(const T& object) { object.balance(); };
template <class T>
concept counts_late_calls = requires(const T& object) { object.late(); };

/// Whatever is watched under a name, by what it offers.
template <class T>
void describe_as(metric_writer& to, const metric_labels& labels, const T& object) {
    if constexpr (describes_itself<T>) {
        describe(to, labels, object);
    } else if constexpr (has_snapshot<T>) {
        if constexpr (counts_bytes_in_use<T>) {
            describe_bytes(to, labels, object.snapshot());
        } else {
            describe(to, labels, object.snapshot());
        }
    } else if constexpr (limits_a_rate<T>) {
        describe_rate(to, labels, object.available(), object.capacity(),
                      std::chrono::duration<double>(object.retry_after()).count());
    } else if constexpr (keeps_a_balance<T>) {
        describe_budget(to, labels, object.balance());
    } else {
        static_assert(counts_late_calls<T>,
                      "bulwark: nothing to watch here: it has no snapshot() that the library knows and no "
                      "describe(metric_writer&, const metric_labels&, const T&) (see bulwark/metrics.hpp)");
        if constexpr (requires { object.hedges(); }) describe_hedges(to, labels, object.hedges());
        describe_late(to, labels, object.late());
        if constexpr (requires { object.under_way(); }) {
            describe_left(to, labels, object.skipped(), object.under_way());
        }
    }
}

}  // namespace detail

/// Ends with its destruction; may outlive the registry. Move-only.
class [[nodiscard]] metric_watch {
public:
    metric_watch() noexcept = default;
    metric_watch(metric_watch&& other) noexcept
        : sources_(std::move(other.sources_)), number_(std::exchange(other.number_, 0)) {}
    metric_watch& operator=(metric_watch&& other) noexcept {
        if (this != &other) {
            end();
            sources_ = std::move(other.sources_);
            number_ = std::exchange(other.number_, 0);
        }
        return *this;
    }
    ~metric_watch() { end(); }

    /// Waits for a scrape that is under way. Not to be called from a describe().
    void end() noexcept;

private:
    friend class metrics;
    metric_watch(std::shared_ptr<detail::metric_sources> sources, std::uint64_t number) noexcept
        : sources_(std::move(sources)), number_(number) {}

    std::shared_ptr<detail::metric_sources> sources_;
    std::uint64_t number_ = 0;
};

class metrics {
public:
    metrics();

    /// A breaker, bulkhead, memory bulkhead, thread pool, rate limiter, retry or budget, adaptive limit, timeout,
    /// hedge, call meter, or their mutex reference. The same name may be given to objects of different types; two of
    /// one type under one name are two samples with the same labels, which Prometheus refuses: collect() keeps the
    /// first.
    template <class T>
    metric_watch watch(std::string name, const T& object) {
        return add([labels = labels_of(std::move(name)), &object](metric_writer& to) {
            detail::describe_as(to, labels, object);
        });
    }
    /// Gone before it ends: a temporary cannot be watched.
    template <class T>
    metric_watch watch(std::string name, const T&& object) = delete;

    /// Compartments, each under its name, those too that come later.
    template <detail::has_services T>
    metric_watch watch(const T& services) {
        return add([&services](metric_writer& to) {
            services.for_each([&](const auto& service) {
                const metric_labels labels{{"name", std::string(service.name())}};
                detail::describe_as(to, labels, service.breaker());
                detail::describe_as(to, labels, service.bulkhead());
            });
        });
    }
    template <detail::has_services T>
    metric_watch watch(const T&& services) = delete;

    /// A snapshot of everything that is watched, one object after another. What a describe() throws goes on.
    std::vector<metric_family> collect() const;

private:
    static metric_labels labels_of(std::string name);
    metric_watch add(std::function<void(metric_writer&)> source);

    std::shared_ptr<detail::metric_sources> sources_;
};

}  // namespace bulwark::inline BULWARK_ABI
