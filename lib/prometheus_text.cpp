// The text exposition format: escapes, numbers, lines.
#include <bulwark/prometheus_text.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace bulwark::inline BULWARK_ABI {
namespace {

std::string_view word(metric_type type) noexcept {
    switch (type) {
        case metric_type::counter: return "counter";
        case metric_type::gauge: return "gauge";
        case metric_type::histogram: return "histogram";
    }
    return "untyped";
}

/// Quotes are escaped in label values only.
void append_escaped(std::string& to, std::string_view text, bool quotes) {
    for (const char c : text) {
        if (c == '\\') {
            to += "\\\\";
        } else if (c == '\n') {
            to += "\\n";
        } else if (c == '"' && quotes) {
            to += "\\\"";
        } else {
            to += c;
        }
    }
}

void append(std::string& to, double value) {
    if (std::isnan(value)) {
        to += "NaN";
    } else if (std::isinf(value)) {
        to += value > 0 ? "+Inf" : "-Inf";
    } else {
        std::array<char, 32> digits{};
        to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
    }
}

void append_label(std::string& to, std::string_view name, std::string_view value) {
    to += to.back() == '{' ? "" : ",";
    to += name;
    to += "=\"";
    append_escaped(to, value, true);
    to += '"';
}

class lines {
public:
    lines(std::string& to, const metric_family& family) : to_(to), family_(family) {}

    void plain(std::string_view suffix, const metric_labels& labels, double value, const double* bound = nullptr) {
        to_ += family_.name;
        to_ += suffix;
        if (!labels.empty() || bound != nullptr) {
            to_ += '{';
            for (const metric_label& label : labels) append_label(to_, label.name, label.value);
            if (bound != nullptr) {
                std::string most;
                append(most, *bound);
                append_label(to_, "le", most);
            }
            to_ += '}';
        }
        to_ += ' ';
        append(to_, value);
        to_ += '\n';
    }

    void histogram(const metric_sample& sample) {
        for (const metric_bucket& bucket : sample.buckets) {
            plain("_bucket", sample.labels, static_cast<double>(bucket.cumulative_count), &bucket.upper_bound);
        }
        const double all = HUGE_VAL;
        plain("_bucket", sample.labels, static_cast<double>(sample.count), &all);
        plain("_sum", sample.labels, sample.value);
        plain("_count", sample.labels, static_cast<double>(sample.count));
    }

private:
    std::string& to_;
    const metric_family& family_;
};

}  // namespace

std::string to_prometheus_text(const std::vector<metric_family>& families) {
    std::string page;
    for (const metric_family& family : families) {
        page += "# HELP " + family.name + ' ';
        append_escaped(page, family.help, false);
        page += "\n# TYPE " + family.name + ' ';
        page += word(family.type);
        page += '\n';
        lines to(page, family);
        for (const metric_sample& sample : family.samples) {
            if (family.type == metric_type::histogram) {
                to.histogram(sample);
            } else {
                to.plain("", sample.labels, sample.value);
            }
        }
    }
    return page;
}

}  // namespace bulwark::inline BULWARK_ABI
