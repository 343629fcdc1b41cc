// The collector for prometheus-cpp says what the text of our own says.
#include "until.hpp"

#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/prometheus.hpp>
#include <bulwark/prometheus_text.hpp>

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>

namespace {

using namespace bulwark;

/// Sample -> number; digits are each writer's own affair. Bounds of buckets are part of a sample's name: as numbers.
std::map<std::string, double> samples_of(const std::string& page) {
    std::map<std::string, double> samples;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('#')) continue;
        const std::size_t space = line.rfind(' ');
        std::string name = line.substr(0, space);
        if (const std::size_t at = name.find("le=\""); at != std::string::npos) {
            name = name.substr(0, at + 4) + std::to_string(std::stod(name.substr(at + 4)) * 1e9);
        }
        samples[name] = std::stod(line.substr(space + 1));
    }
    return samples;
}

TEST(Prometheus, TheCollectorSaysWhatTheTextSays) {
    circuit_breaker breaker{{.ready_to_trip = consecutive_failures(1)}};
    bulkhead pool{{.max_concurrent = 1, .wait_histogram = true}};
    metrics all;
    const auto a = all.watch("orders", breaker);
    const auto b = all.watch("or\"ders\n", pool);
    breaker.try_acquire()->failure();
    breaker.force_open();
    const auto held = pool.try_acquire();
    {
        std::jthread waiter([&](const std::stop_token& stop) { EXPECT_FALSE(pool.acquire(stop)); });
        EXPECT_TRUE(test::until([&] { return pool.waiting() == 1; }));
    }

    const prometheus_collector collector(all);
    const std::string theirs = ::prometheus::TextSerializer().Serialize(collector.Collect());
    const std::string ours = to_prometheus_text(all.collect());
    EXPECT_GT(samples_of(ours).size(), 40U);
    EXPECT_EQ(samples_of(ours), samples_of(theirs)) << ours << "\n\n" << theirs;
    for (const auto& family : all.collect()) {
        EXPECT_NE(theirs.find("# HELP " + family.name + ' ' + family.help), std::string::npos) << family.name;
    }
}

}  // namespace
