// Implements web.hpp.
#include "web.hpp"

#include "channel.hpp"
#include "experiment.hpp"
#include "page_server.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <ctime>
#include <stdexcept>
#include <string>

namespace demo {
namespace {

constexpr duration between_samples = 200ms;
constexpr std::size_t kept = 300;  // a minute of them, for who comes later

/// SIGINT and SIGTERM, for this thread and those that it starts: they come to who asks for them, and to nobody else.
class stop_signals {
public:
    stop_signals() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }
    stop_signals(const stop_signals&) = delete;
    stop_signals& operator=(const stop_signals&) = delete;
    ~stop_signals() { let_through(); }

    /// Whether one comes until then.
    bool comes_before(time_point when) const {
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(when - clock::now());
            if (left <= 0ns) return false;
            const timespec time{.tv_sec = static_cast<std::time_t>(left / 1s),
                                .tv_nsec = static_cast<long>((left % 1s).count())};
            if (sigtimedwait(&signals_, nullptr, &time) > 0) return true;
        }
    }

    /// From here on they do what they always do: a second one ends the program.
    void let_through() const { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t signals_{};
    sigset_t before_{};
};

/// Whoever waits for the next message is told that there is none.
class closing {
public:
    explicit closing(channel& messages) : messages_(messages) {}
    closing(const closing&) = delete;
    closing& operator=(const closing&) = delete;
    ~closing() { messages_.close(); }

private:
    channel& messages_;
};

}  // namespace

void run_web(const web_options& chosen, const screen& out) {
    const stop_signals signals;
    const duration length = std::chrono::seconds(chosen.seconds);
    const time_point start = clock::now();
    experiment shown(length);
    channel samples(kept);
    const page_server server(shown, samples, chosen.port);
    const closing at_the_end(samples);
    out.say("Open " + server.url() + " in a browser on this machine.");
    out.say("It ends after " + std::to_string(chosen.seconds) + " s, or with Ctrl-C.");
    for (time_point next = start + between_samples; next <= start + length; next += between_samples) {
        if (signals.comes_before(next)) break;
        samples.publish(shown.sample().dump());
    }
    signals.let_through();
    samples.close();
    if (const std::string complaint = shown.finish(); !complaint.empty()) throw std::logic_error(complaint);
}

}  // namespace demo
