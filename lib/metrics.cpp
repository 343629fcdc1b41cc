// The registry of what is watched, and the gathering of its samples into families.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/metrics.hpp>

#include <algorithm>
#include <list>
#include <mutex>

namespace bulwark::inline BULWARK_ABI {
namespace {

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

void require_sound_name(const char* field, std::string_view name) {
    const bool sound = !name.empty() && is_letter(name.front()) &&
                       std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
    if (sound) return;
    detail::refuse_config(std::string(field) + " '" + std::string(name) +
                          "' must be of letters, digits and _, and not begin with a digit");
}

}  // namespace

metric_family& metric_writer::family(std::string_view name, std::string_view help, metric_type type,
                                     const metric_labels& labels) {
    for (const metric_label& label : labels) require_sound_name("label", label.name);
    const auto found = std::ranges::find(families_, name, &metric_family::name);
    if (found != families_.end()) {
        if (found->type != type) detail::refuse_config("metric '" + std::string(name) + "' has two types");
        return *found;
    }
    require_sound_name("metric", name);
    return families_.emplace_back(
        metric_family{.name = std::string(name), .help = std::string(help), .type = type, .samples = {}});
}

namespace {

void put(metric_family& to, metric_sample sample) {
    if (std::ranges::find(to.samples, sample.labels, &metric_sample::labels) != to.samples.end()) return;
    to.samples.push_back(std::move(sample));
}

}  // namespace

void metric_writer::counter(std::string_view name, std::string_view help, metric_labels labels, double value) {
    metric_family& to = family(name, help, metric_type::counter, labels);
    put(to, {.labels = std::move(labels), .value = value, .count = 0, .buckets = {}});
}

void metric_writer::gauge(std::string_view name, std::string_view help, metric_labels labels, double value) {
    metric_family& to = family(name, help, metric_type::gauge, labels);
    put(to, {.labels = std::move(labels), .value = value, .count = 0, .buckets = {}});
}

void metric_writer::histogram(std::string_view name, std::string_view help, metric_labels labels,
                              std::vector<metric_bucket> buckets, std::uint64_t count, double sum) {
    metric_family& to = family(name, help, metric_type::histogram, labels);
    put(to, {.labels = std::move(labels), .value = sum, .count = count, .buckets = std::move(buckets)});
}

namespace detail {

class metric_sources {
public:
    std::uint64_t add(std::function<void(metric_writer&)> describe) {
        const std::lock_guard lock(mutex_);
        all_.push_back({.number = next_, .describe = std::move(describe)});
        return next_++;
    }

    void remove(std::uint64_t number) noexcept {
        const std::lock_guard lock(mutex_);
        all_.remove_if([&](const source& s) { return s.number == number; });
    }

    void collect(metric_writer& to) const {
        const std::lock_guard lock(mutex_);
        for (const source& s : all_) s.describe(to);
    }

private:
    struct source {
        std::uint64_t number;
        std::function<void(metric_writer&)> describe;
    };

    mutable std::mutex mutex_;
    std::list<source> all_;
    std::uint64_t next_ = 1;
};

}  // namespace detail

void metric_watch::end() noexcept {
    if (sources_ == nullptr) return;
    sources_->remove(number_);
    sources_.reset();
}

metrics::metrics() : sources_(std::make_shared<detail::metric_sources>()) {}

metric_labels metrics::labels_of(std::string name) {
    return {{.name = "name", .value = std::move(name)}};
}

metric_watch metrics::add(std::function<void(metric_writer&)> source) {
    const std::uint64_t number = sources_->add(std::move(source));
    return {sources_, number};
}

std::vector<metric_family> metrics::collect() const {
    metric_writer to;
    sources_->collect(to);
    return to.take();
}

}  // namespace bulwark::inline BULWARK_ABI
