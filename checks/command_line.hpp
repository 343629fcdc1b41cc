// What the programs that check have in common: a list of entries to run, of which --only chooses and which --list
// prints; --seconds and --seed, where they have a meaning; the closing line; and the exit code, 0 where all passed, 1
// where something failed, 2 where the command line makes no sense.
//
//     int main(int argc, char** argv) {
//         command_line line("bulwark-stress", "Hammers ...");
//         return line.run([&] {
//             ...                               // options: line.seconds(s), line.options.add_option(...)
//             line.parse(argc, argv);
//             line.choose(entries, name);
//             score done;
//             for (const entry& e : entries) done.add(passes(e));
//             return done.close();
//         });
//     }
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bulwark::checks {

class command_line {
public:
    command_line(const std::string& program, const std::string& purpose) : options(purpose, program) {
        options.add_option("--only", only_, "run what is called so, or, where nothing is, what has this in its name");
        options.add_flag("--list", list_, "print what there is to run, and stop");
    }

    /// The program's own are added here.
    CLI::App options;

    void seconds(double& value, const std::string& of_what) {
        options.add_option("--seconds", value, of_what)->capture_default_str()->check(CLI::Range(0.1, 86400.0));
    }

    /// A new one, unless parse() finds it given.
    void seed(std::uint64_t& value) {
        value = std::random_device{}();
        options.add_option("--seed", value, "seed of the random choices (default: a new one)");
    }

    /// Leaves by an exception, for run(), where the program shall not go on.
    void parse(int argc, char** argv) { options.parse(argc, argv); }

    /// Takes out what --only does not name, and lists the rest if that was asked for, a `line` each; then, or where a
    /// name is unknown, leaves by an exception.
    template <class Entry, class Name, class Line>
    void choose(std::vector<Entry>& entries, Name name, Line line) const {
        std::vector<char> chosen(entries.size(), only_.empty() ? 1 : 0);
        for (const std::string& word : only_) {
            const bool exact =
                std::any_of(entries.begin(), entries.end(), [&](const Entry& e) { return name(e) == word; });
            bool any = false;
            for (std::size_t i = 0; i != entries.size(); ++i) {
                const std::string its_name = name(entries[i]);
                if (exact ? its_name != word : its_name.find(word) == std::string::npos) continue;
                chosen[i] = 1;
                any = true;
            }
            if (!any) throw CLI::ValidationError("--only", "nothing has " + word + " in its name; --list lists all");
        }
        std::size_t i = 0;
        std::erase_if(entries, [&](const Entry&) { return chosen[i++] == 0; });
        if (!list_) return;
        for (const Entry& e : entries) std::printf("%s\n", std::string(line(e)).c_str());
        throw CLI::Success();
    }

    template <class Entry, class Name>
    void choose(std::vector<Entry>& entries, Name name) const {
        choose(entries, name, name);
    }

    bool has_only() const { return !only_.empty(); }

    /// The whole program: `body` gives its exit code.
    template <class Body>
    int run(Body body) const {
        try {
            return body();
        } catch (const CLI::ParseError& e) {
            return options.exit(e) == 0 ? 0 : 2;
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s: %s\n", options.get_name().c_str(), e.what());
            return 1;
        }
    }

private:
    std::vector<std::string> only_;
    bool list_ = false;
};

/// How many passed, how many failed.
class score {
public:
    void add(bool passed) {
        ++(passed ? passed_ : failed_);
        std::fflush(stdout);
    }

    /// Prints the closing line; the exit code.
    int close() const {
        std::printf("%u passed, %u failed\n", passed_, failed_);
        return failed_ == 0 ? 0 : 1;
    }

private:
    unsigned passed_ = 0;
    unsigned failed_ = 0;
};

}  // namespace bulwark::checks
