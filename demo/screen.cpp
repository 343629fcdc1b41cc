// Implements screen.hpp on standard output.
#include "screen.hpp"

#include <algorithm>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace demo {
namespace {

constexpr std::size_t strip_width = 23;

std::string in_seconds(duration span, int digits) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(digits) << std::chrono::duration<double>(span).count() << "s";
    return text.str();
}

std::string in_ms(std::optional<duration> latency) {
    if (!latency) return "-";
    if (*latency >= 10s) return in_seconds(*latency, 1);
    const double ms = std::chrono::duration<double, std::milli>(*latency).count();
    std::ostringstream text;
    text << std::fixed << std::setprecision(ms < 9.95 ? 1 : 0) << ms << "ms";
    return text.str();
}

char symbol(bulwark::breaker_state state) {
    switch (state) {
        case bulwark::breaker_state::closed: return '.';
        case bulwark::breaker_state::open: return '#';
        case bulwark::breaker_state::half_open: return '~';
    }
    return '?';
}

}  // namespace

void screen::say(std::string_view text) const {
    std::cout << text << '\n' << std::flush;
    // The HTTP server has SIGPIPE ignored, so nothing else ends a demo that nobody reads any more.
    if (!std::cout) throw std::runtime_error("cannot write to standard output");
}

std::string screen::painted(const std::string& text, bulwark::breaker_state state) const {
    if (!colour_) return text;
    const char* const code = state == bulwark::breaker_state::closed ? "\x1b[32m"
                             : state == bulwark::breaker_state::open ? "\x1b[31m"
                                                                     : "\x1b[33m";
    return code + text + "\x1b[0m";
}

std::string screen::strip(const std::vector<moment>& act, std::size_t last) const {
    std::string text;
    for (std::size_t i = act.size() - std::min(act.size(), last); i < act.size(); ++i) {
        if (act[i].state) text += painted(std::string(1, symbol(*act[i].state)), *act[i].state);
    }
    return text;
}

void screen::legend() const {
    using enum bulwark::breaker_state;
    say("A line each quarter second. Latencies count from when a call was due; calls that are due and find no\n"
        "client free are 'waiting'. The chart is the breaker's state: " +
        painted(". closed", closed) + "  " + painted("# open", open) + "  " + painted("~ half-open", half_open));
}

void screen::begin_act(std::string_view title) const {
    say("");
    say(title);
    say(" time upstream breaker   calls useful refused flight waiting    p50    p99  state over time");
}

void screen::slice(duration since_start, const load_view& view, const std::vector<moment>& so_far) const {
    const moment& now = so_far.back();
    const std::size_t refused =
        count(view.ended, verdict::refused_by_breaker) + count(view.ended, verdict::refused_by_bulkhead);
    std::ostringstream line;
    line << std::setw(6) << in_seconds(since_start, 2) << ' ' << std::left << std::setw(9)
         << (now.upstream_fails ? (*now.upstream_fails ? "failing" : "healthy") : "-");
    std::ostringstream name;
    name << std::left << std::setw(9) << (now.state ? bulwark::to_string(*now.state) : "none");
    line << (now.state ? painted(name.str(), *now.state) : name.str());
    line << std::right << std::setw(6) << view.ended.size() << std::setw(7) << count(view.ended, verdict::useful)
         << std::setw(8) << refused << std::setw(7) << view.in_flight << std::setw(8) << view.waiting << std::setw(7)
         << in_ms(quantile(view.ended, 0.5)) << std::setw(7) << in_ms(quantile(view.ended, 0.99));
    if (now.state) line << "  " << strip(so_far, strip_width);
    say(line.str());
}

void screen::charts(const std::vector<moment>& act) const {
    constexpr std::size_t row = 80;
    say("");
    say("  The whole act (upstream: X failing and slow; breaker: . closed  # open  ~ half-open)");
    for (std::size_t first = 0; first < act.size(); first += row) {
        const std::vector<moment> part(act.begin() + static_cast<std::ptrdiff_t>(first),
                                       act.begin() + static_cast<std::ptrdiff_t>(std::min(act.size(), first + row)));
        std::string upstream;
        for (const moment& m : part) {
            if (m.upstream_fails) upstream += *m.upstream_fails ? 'X' : '.';
        }
        if (!upstream.empty()) say("  upstream  " + upstream);
        say("  breaker   " + strip(part, row));
    }
}

void screen::table(const std::vector<column>& columns, duration patience, bool with_script) const {
    const auto row = [&](const std::string& name, const std::function<std::string(const report&)>& cell) {
        std::ostringstream line;
        line << "  " << std::left << std::setw(46) << name << std::right;
        for (const column& c : columns) line << std::setw(15) << cell(c.figures);
        say(line.str());
    };
    const auto number = [&](const std::string& name, std::size_t report::* figure) {
        row(name, [figure](const report& r) { return std::to_string(r.*figure); });
    };

    std::ostringstream head;
    head << "  " << std::setw(46) << "";
    for (const column& c : columns) head << std::setw(15) << c.title;
    say("");
    say(head.str());
    number("calls that were due", &report::calls);
    number("useful answers, within " + in_ms(patience), &report::useful);
    number("answers that came too late", &report::late);
    number("errors: bad status, or no answer", &report::errors);
    number("refused at once by the breaker", &report::refused_by_breaker);
    number("refused at once by the bulkhead", &report::refused_by_bulkhead);
    number("never sent: no client became free", &report::never_sent);
    row("p50 of all calls made", [](const report& r) { return in_ms(r.p50); });
    row("p99 of all calls made", [](const report& r) { return in_ms(r.p99); });
    number("calls that reached the upstream", &report::reached);
    row("calls spared the upstream", [](const report& r) { return std::to_string(r.refused()); });
    number("times that the breaker opened", &report::times_opened);
    if (with_script) {
        row("time to recover, from the end of the fault",
            [](const report& r) { return r.recovery ? in_seconds(*r.recovery, 2) : std::string("not at all"); });
    }
}

}  // namespace demo
