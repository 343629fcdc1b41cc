// The page of bulwark-demo, as its browser meets it, over HTTP: what is served and streamed, what a fault leads to,
// what is refused, and that it ends. BULWARK_DEMO names the program. Times are bounds on a hang, nothing else.
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* json_type = "application/json";

/// The program, which ends with this, or by itself.
class running_demo {
public:
    running_demo() {
        int ends[2];
        if (pipe(ends) != 0) throw std::runtime_error("no pipe");
        child_ = fork();
        if (child_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(ends[1], STDOUT_FILENO);
            close(ends[0]);
            close(ends[1]);
            execl(BULWARK_DEMO, BULWARK_DEMO, "--web", "--seconds", "120", static_cast<char*>(nullptr));
            _exit(127);
        }
        close(ends[1]);
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> said(fdopen(ends[0], "r"), &std::fclose);
        char line[200] = "";
        if (std::fgets(line, sizeof line, said.get()) == nullptr) throw std::runtime_error("the demo says nothing");
        const std::string text = line;
        const std::size_t begin = text.find("http://");
        url_ = text.substr(begin, text.find('/', begin + 7) - begin);
        std::fgets(line, sizeof line, said.get());
    }
    running_demo(const running_demo&) = delete;
    running_demo& operator=(const running_demo&) = delete;
    ~running_demo() {
        if (child_ <= 0) return;
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }

    const std::string& url() const { return url_; }
    int port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }

    /// The exit code after that signal.
    int end(int signal) {
        kill(child_, signal);
        int status = 0;
        waitpid(child_, &status, 0);
        child_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    pid_t child_ = -1;
    std::string url_;
};

class WebPage : public testing::Test {
protected:
    /// One for all: it takes a while to start, and each test leaves it healthy.
    static void SetUpTestSuite() { demo_ = std::make_unique<running_demo>(); }
    static void TearDownTestSuite() { demo_.reset(); }

    static httplib::Client client() {
        httplib::Client made(demo_->url());
        made.set_read_timeout(20s);
        return made;
    }

    static int post(const std::string& path, const std::string& body, const httplib::Headers& headers = {},
                    const char* type = json_type) {
        const httplib::Result answer = client().Post(path, headers, body, type);
        return answer ? answer->status : 0;
    }

    static std::string refusal(const std::string& path, const std::string& body) {
        const httplib::Result answer = client().Post(path, body, json_type);
        return answer && answer->status == 400 ? json::parse(answer->body)["error"].get<std::string>() : "not refused";
    }

    /// The time after that change, as in samples.
    static double change(const std::string& path, const json& body) {
        const httplib::Result answer = client().Post(path, body.dump(), json_type);
        if (!answer || answer->status != 200) throw std::runtime_error("refused: " + body.dump());
        return json::parse(answer->body)["t"];
    }
    static double change(const json& settings) { return change("/settings", settings); }

    static json settings() {
        const httplib::Result answer = client().Post("/settings", R"({"retry": false})", json_type);
        if (!answer || answer->status != 200) throw std::runtime_error("the demo tells no settings");
        json made = json::parse(answer->body);
        made.erase("t");
        return made;
    }

    /// Each event, until `take` says that it was the last. Waits for a place among the readers.
    static void read_stream(const httplib::Headers& headers, const std::function<bool(const std::string&)>& take) {
        const auto give_up = std::chrono::steady_clock::now() + 60s;
        const auto in_time = [&] { return std::chrono::steady_clock::now() < give_up; };
        for (bool over = false; !over && in_time();) {
            std::string text;
            const auto is_served = [](const httplib::Response& answer) { return answer.status == 200; };
            client().Get("/stream", headers, is_served, [&](const char* data, std::size_t size) {
                text.append(data, size);
                for (std::size_t end = 0; !over && (end = text.find("\n\n")) != text.npos; text.erase(0, end + 2)) {
                    over = take(text.substr(0, end));
                }
                return !over && in_time();
            });
            if (!over) std::this_thread::sleep_for(50ms);
        }
    }

    /// Whether a sample comes after that time that is like that, before a minute is over.
    static bool comes(double after, const std::function<bool(const json&)>& wanted) {
        bool found = false;
        read_stream({}, [&](const std::string& event) {
            const std::size_t begin = event.find("\ndata: ");
            if (!event.starts_with("id: ") || begin == event.npos) throw std::logic_error("no event: " + event);
            const json sample = json::parse(event.substr(begin + 7));
            found = sample["t"] > after && wanted(sample);
            return found;
        });
        return found;
    }

    static bool state_comes(double after, const std::string& state) {
        return comes(after, [&](const json& sample) { return sample["breaker"]["state"] == state; });
    }

    static inline std::unique_ptr<running_demo> demo_;
};

TEST_F(WebPage, IsServedAndNeedsNothingFromElsewhere) {
    const httplib::Result page = client().Get("/");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->status, 200);
    EXPECT_TRUE(page->get_header_value("Content-Type").starts_with("text/html"));
    EXPECT_NE(page->get_header_value("Content-Security-Policy").find("default-src 'none'"), std::string::npos);
    for (const char* part : {"<!doctype html>", "function axes(", "new EventSource", "prefers-color-scheme"}) {
        EXPECT_NE(page->body.find(part), std::string::npos) << part;
    }
    for (const char* part : {"@page", "@charts", "https://", " src=", "@import"}) {
        EXPECT_EQ(page->body.find(part), std::string::npos) << part;
    }
}

TEST_F(WebPage, SamplesHaveWhatIsDrawn) {
    EXPECT_TRUE(comes(0, [](const json& sample) {
        EXPECT_TRUE(sample["breaker"]["state"].is_string());
        EXPECT_GE(sample["breaker"]["generation"], 1);
        EXPECT_EQ(sample["bulkhead"]["capacity"], 16);
        EXPECT_GT(sample["seconds"], 0.0);
        for (const char* figure : {"requests", "successes", "failures", "ignored", "retry_after", "manual"}) {
            EXPECT_TRUE(sample["breaker"].contains(figure)) << figure;
        }
        for (const char* figure : {"errors", "late", "never_made", "refused_by_breaker", "refused_by_bulkhead"}) {
            EXPECT_TRUE(sample["calls"][figure].is_number()) << figure;
        }
        for (const char* figure : {"in_use", "waiting"}) EXPECT_TRUE(sample["bulkhead"][figure].is_number()) << figure;
        for (const char* figure : {"arrived", "in_service"}) EXPECT_TRUE(sample["service"][figure].is_number());
        return sample["calls"]["useful"] > 0 && sample["latency"]["p50"] > 0 && sample["latency"]["p99"] > 0;
    }));
}

TEST_F(WebPage, EachFaultOpensTheBreakerAndItsEndClosesIt) {
    const json faults{{"hang", true},
                      {"trickle", true},
                      {"refuse", true},
                      {"error_percent", 100},
                      {"added_latency_ms", 600}};  // the callers give an attempt 400 ms
    for (const auto& [fault, value] : faults.items()) {
        const double on = change({{fault, value}});
        EXPECT_TRUE(state_comes(on, "open")) << fault;
        EXPECT_TRUE(comes(on, [](const json& s) { return s["calls"]["refused_by_breaker"] > 0; })) << fault;
        const double off = change({{fault, value.is_boolean() ? json(false) : json(0)}});
        EXPECT_TRUE(state_comes(off, "closed")) << fault;
        EXPECT_TRUE(comes(off, [](const json& s) { return s["calls"]["useful"] > 0; })) << fault;
    }
}

TEST_F(WebPage, WithoutTheBreakerAHangTakesAllPermits) {
    const double hangs = change({{"hang", true}, {"breaker", false}});
    EXPECT_TRUE(comes(hangs, [](const json& sample) {
        return sample["bulkhead"]["in_use"] == 16 && sample["calls"]["refused_by_bulkhead"] > 0;
    }));
    const double unprotected = change({{"bulkhead", false}});
    EXPECT_TRUE(comes(unprotected, [](const json& sample) { return sample["callers"]["in_flight"] == 48; }));
    const double over = change({{"hang", false}, {"breaker", true}, {"bulkhead", true}});
    EXPECT_TRUE(state_comes(over, "closed"));
    EXPECT_TRUE(comes(over, [](const json& sample) { return sample["bulkhead"]["in_use"] < 16; }));
}

TEST_F(WebPage, RetriesComeWhereTheyAreAskedFor) {
    for (const bool budget : {false, true}) {
        const double fails = change({{"error_percent", 30}, {"breaker", false}, {"retry", true}, {"budget", budget}});
        EXPECT_TRUE(comes(fails, [](const json& sample) { return sample["retries"] > 0; }));
        const double over = change({{"error_percent", 0}, {"breaker", true}, {"retry", false}, {"budget", true}});
        EXPECT_TRUE(state_comes(over, "closed"));
    }
}

TEST_F(WebPage, TheOperatorIsHeard) {
    const auto command = [](const char* name) { return change("/command", {{"command", name}}); };
    EXPECT_TRUE(comes(command("force_open"), [](const json& sample) {
        return sample["breaker"]["state"] == "open" && sample["breaker"]["manual"] == true &&
               sample["breaker"]["retry_after"].is_null();
    }));
    EXPECT_TRUE(comes(command("disable"), [](const json& sample) {
        return sample["breaker"]["state"] == "closed" && sample["breaker"]["manual"] == true;
    }));
    EXPECT_TRUE(comes(command("reset"), [](const json& sample) {
        return sample["breaker"]["state"] == "closed" && sample["breaker"]["manual"] == false;
    }));
    const double tripped = command("trip");
    EXPECT_TRUE(state_comes(tripped, "open"));
    EXPECT_TRUE(state_comes(tripped, "closed"));
}

TEST_F(WebPage, BadInputIsRefusedAndChangesNothing) {
    const json before = settings();
    EXPECT_EQ(refusal("/settings", R"({"hang": 1})"), "hang must be true or false");
    EXPECT_EQ(refusal("/settings", R"({"hang": true, "hung": true})"), "there is no setting 'hung'");
    const std::string percent = "error_percent must be a whole number from 0 to 100";
    for (const char* value : {"-1", "101", "4294967296", "18446744073709551615", "1e300", "0.5", "\"1\"", "null"}) {
        EXPECT_EQ(refusal("/settings", R"({"hang": true, "error_percent": )" + std::string(value) + "}"), percent);
    }
    for (const char* body : {"", "{", "hang", "{\"hang\": true}}", "\xff"}) {
        EXPECT_EQ(refusal("/settings", body), "the body is no JSON") << body;
    }
    for (const char* body : {"[]", "{}", "true", "[{\"hang\": true}]"}) {
        EXPECT_EQ(refusal("/settings", body), "expected an object with settings") << body;
    }
    for (const char* body : {"{}", R"({"command": "open"})", R"({"command": 1})", R"("trip")", R"(["trip"])",
                             R"({"command": "trip", "twice": true})"}) {
        EXPECT_EQ(refusal("/command", body), "command must be trip, force_open, disable or reset") << body;
    }
    EXPECT_EQ(post("/settings", std::string(2000, ' ') + R"({"hang": true})"), 413);
    EXPECT_EQ(post("/settings", R"({"hang": true})", {}, "text/plain"), 415);
    EXPECT_EQ(post("/nothing", R"({"hang": true})"), 404);
    EXPECT_EQ(settings(), before);
}

TEST_F(WebPage, OnlyPagesOfItsOwnMaySayAnything) {
    const json before = settings();
    const std::string hang = R"({"hang": true})";
    const std::string port = std::to_string(demo_->port());
    for (const char* origin : {"http://example.org", "null", "http://127.0.0.1:1", "https://127.0.0.1"}) {
        EXPECT_EQ(post("/settings", hang, {{"Origin", origin}}), 403) << origin;
        EXPECT_EQ(post("/command", R"({"command": "trip"})", {{"Origin", origin}}), 403) << origin;
    }
    for (const std::string host : {"example.org", "127.0.0.1.example.org", "localhost.example.org", "", "[::1]"}) {
        EXPECT_EQ(post("/settings", hang, {{"Host", host}}), 403) << host;
        const httplib::Result page = client().Get("/", {{"Host", host}});
        EXPECT_TRUE(page && page->status == 403) << host;
    }
    EXPECT_EQ(settings(), before);
    for (const std::string& host : {"127.0.0.1:" + port, "localhost:" + port, std::string("localhost")}) {
        EXPECT_EQ(post("/settings", before.dump(), {{"Host", host}, {"Origin", "http://" + host}}), 200) << host;
    }
}

TEST_F(WebPage, ReadersWhoGoAwayLeaveTheirPlaceToOthers) {
    constexpr int places = 16;
    for (int round = 0; round != 2; ++round) {
        std::atomic<bool> leave = false;
        std::atomic<int> reading = 0;
        {
            std::vector<std::jthread> readers;
            for (int i = 0; i != places; ++i) {
                readers.emplace_back([&] {
                    // Those of the round before may not be known to be gone.
                    for (bool served = false; !served && !leave;) {
                        client().Get(
                            "/stream",
                            [&](const httplib::Response& answer) {
                                served = answer.status == 200;
                                if (served) ++reading;
                                return served;
                            },
                            [&](const char*, std::size_t) { return !leave; });
                        if (!served) std::this_thread::sleep_for(50ms);
                    }
                });
            }
            const auto give_up = std::chrono::steady_clock::now() + 60s;
            while (reading != places && std::chrono::steady_clock::now() < give_up) std::this_thread::sleep_for(10ms);
            EXPECT_EQ(reading, places) << "in round " << round;
            const httplib::Result one_more = client().Get("/stream");
            EXPECT_TRUE(one_more && one_more->status == 503);
            EXPECT_EQ(client().Get("/")->status, 200);
            leave = true;
        }
    }
}

TEST_F(WebPage, AReaderGoesOnWhereItWas) {
    const auto nth_id = [](int n, const httplib::Headers& headers) {
        int id = 0;
        read_stream(headers, [&](const std::string& event) {
            id = std::stoi(event.substr(std::string("id: ").size()));
            return --n == 0;
        });
        return id;
    };
    // The thirtieth of those that are kept: it will be for some time.
    const int middle = nth_id(30, {});
    EXPECT_EQ(nth_id(1, {{"Last-Event-ID", std::to_string(middle)}}), middle + 1);
    // Of a program that ran before, and nonsense: from the oldest on.
    EXPECT_LT(nth_id(1, {{"Last-Event-ID", "1000000000"}}), middle);
    EXPECT_LT(nth_id(1, {{"Last-Event-ID", "x"}}), middle);
}

TEST_F(WebPage, APortInUseIsRefused) {
    const std::string command =
        BULWARK_DEMO " --web --seconds 5 --port " + std::to_string(demo_->port()) + " 2>&1 >/dev/null";
    std::FILE* const said = popen(command.c_str(), "r");
    ASSERT_NE(said, nullptr);
    char line[200] = "";
    EXPECT_NE(std::fgets(line, sizeof line, said), nullptr);
    EXPECT_NE(std::string(line).find("cannot listen on 127.0.0.1:"), std::string::npos) << line;
    EXPECT_EQ(WEXITSTATUS(pclose(said)), 1);
}

TEST(WebProgram, EndsOnSignalsWhileSomebodyWatchesAndTheServiceHangs) {
    for (const int signal : {SIGINT, SIGTERM}) {
        running_demo demo;
        std::atomic<bool> reads = false;
        const std::jthread reader([&] {
            httplib::Client client(demo.url());
            client.Get("/stream", [&](const char*, std::size_t) { return reads = true; });
        });
        httplib::Client client(demo.url());
        EXPECT_EQ(client.Post("/settings", R"({"hang": true, "breaker": false})", json_type)->status, 200);
        while (!reads) std::this_thread::sleep_for(10ms);
        EXPECT_EQ(demo.end(signal), 0);
    }
}

}  // namespace
