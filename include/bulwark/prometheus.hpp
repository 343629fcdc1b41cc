// The metrics of bulwark for prometheus-cpp: a Collectable for its Exposer, beside whatever else the program exposes.
//
//     bulwark::metrics metrics;
//     auto collector = std::make_shared<bulwark::prometheus_collector>(metrics);
//     exposer.RegisterCollectable(collector);
//
// Not in bulwark.hpp; needs prometheus-cpp (Debian: prometheus-cpp-dev). CMake: link bulwark::prometheus. A program
// that serves its own page does not need this: see prometheus_text.hpp.
//
// Thread safety: as metrics::collect(). The registry must outlive the collector.
#pragma once

#include <bulwark/metrics.hpp>
#include <bulwark/version.hpp>

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <limits>
#include <utility>
#include <vector>

namespace bulwark::inline BULWARK_ABI {

class prometheus_collector final : public ::prometheus::Collectable {
public:
    explicit prometheus_collector(const metrics& watched) noexcept : watched_(&watched) {}

    std::vector<::prometheus::MetricFamily> Collect() const override {
        std::vector<::prometheus::MetricFamily> all;
        for (metric_family& family : watched_->collect()) all.push_back(converted(std::move(family)));
        return all;
    }

private:
    static ::prometheus::MetricFamily converted(metric_family&& family) {
        ::prometheus::MetricFamily to;
        to.name = std::move(family.name);
        to.help = std::move(family.help);
        to.type = type_of(family.type);
        for (metric_sample& sample : family.samples) to.metric.push_back(converted(std::move(sample), family.type));
        return to;
    }

    static ::prometheus::ClientMetric converted(metric_sample&& sample, metric_type type) {
        ::prometheus::ClientMetric to;
        for (metric_label& label : sample.labels) {
            to.label.push_back({.name = std::move(label.name), .value = std::move(label.value)});
        }
        switch (type) {
            case metric_type::counter: to.counter.value = sample.value; break;
            case metric_type::gauge: to.gauge.value = sample.value; break;
            case metric_type::histogram:
                to.histogram.sample_count = sample.count;
                to.histogram.sample_sum = sample.value;
                for (const metric_bucket& bucket : sample.buckets) {
                    to.histogram.bucket.push_back(
                        {.cumulative_count = bucket.cumulative_count, .upper_bound = bucket.upper_bound});
                }
                // prometheus-cpp writes what it is given, and the format asks for this one.
                to.histogram.bucket.push_back(
                    {.cumulative_count = sample.count, .upper_bound = std::numeric_limits<double>::infinity()});
                break;
        }
        return to;
    }

    static ::prometheus::MetricType type_of(metric_type type) noexcept {
        switch (type) {
            case metric_type::counter: return ::prometheus::MetricType::Counter;
            case metric_type::gauge: return ::prometheus::MetricType::Gauge;
            case metric_type::histogram: return ::prometheus::MetricType::Histogram;
        }
        return ::prometheus::MetricType::Untyped;
    }

    const metrics* watched_;
};

}  // namespace bulwark::inline BULWARK_ABI
