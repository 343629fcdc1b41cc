// The registry of what is watched, and the gathering of its samples into families.
#include <bulwark/detail/config_check.hpp>
#include <bulwark/metrics.hpp>

#include "utf8.hpp"

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

metric_family& metric_writer::family(std::string_view name, std::string_view help, metric_type type) {
    const auto found = std::ranges::find(families_, name, &metric_family::name);
    if (found != families_.end()) {
        if (found->type != type) detail::refuse_config("metric '" + std::string(name) + "' has two types");
        return *found;
    }
    require_sound_name("metric", name);
    return families_.emplace_back(
        metric_family{.name = std::string(name), .help = std::string(help), .type = type, .samples = {}});
}

void metric_writer::put(std::string_view name, std::string_view help, metric_type type, metric_sample sample) {
    std::string series(name);
    for (metric_label& label : sample.labels) {
        require_sound_name("label", label.name);
        label.value = detail::valid_utf8(label.value);
        // Not in a name, and not in UTF-8: what is between them is told apart.
        (series += '\xff') += label.name;
        (series += '\xff') += label.value;
    }
    metric_family& to = family(name, help, type);
    if (!series_.insert(series).second) return;
    if (type == metric_type::counter && most_ != nullptr) {
        double& most = (*most_)[series];
        sample.value = most = std::max(most, sample.value);
    }
    to.samples.push_back(std::move(sample));
}

void metric_writer::counter(std::string_view name, std::string_view help, metric_labels labels, double value) {
    put(name, help, metric_type::counter, {.labels = std::move(labels), .value = value, .count = 0, .buckets = {}});
}

void metric_writer::gauge(std::string_view name, std::string_view help, metric_labels labels, double value) {
    put(name, help, metric_type::gauge, {.labels = std::move(labels), .value = value, .count = 0, .buckets = {}});
}

void metric_writer::histogram(std::string_view name, std::string_view help, metric_labels labels,
                              std::vector<metric_bucket> buckets, std::uint64_t count, double sum) {
    put(name, help, metric_type::histogram,
        {.labels = std::move(labels), .value = sum, .count = count, .buckets = std::move(buckets)});
}

namespace detail {

class metric_sources {
public:
    std::uint64_t add(std::function<void(metric_writer&)> describe) {
        const std::lock_guard lock(mutex_);
        all_.push_back({.number = next_, .describe = std::move(describe), .most = {}});
        return next_++;
    }

    void remove(std::uint64_t number) noexcept {
        const std::lock_guard lock(mutex_);
        all_.remove_if([&](const source& s) { return s.number == number; });
    }

    /// A counter does not fall while its watch lives. A breaker that is open and due for its probe shows the generation
    /// to come, and a hint of the service may put that off again.
    void collect(metric_writer& to) {
        const std::lock_guard lock(mutex_);
        for (source& s : all_) {
            to.most_ = &s.most;
            s.describe(to);
        }
        to.most_ = nullptr;
    }

private:
    struct source {
        std::uint64_t number;
        std::function<void(metric_writer&)> describe;
        std::map<std::string, double> most;
    };

    std::mutex mutex_;
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
