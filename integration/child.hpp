// A server, or another program, as a child process: started, stopped and continued, killed, and reaped whatever
// happens. It and all that it starts form a process group, which is killed by the destructor; where this program dies
// without one (SIGKILL), the kernel kills the child. (The kernel does so when the thread that started it ends: start
// children in the main thread.)
//
// For one thread. Every wait is bounded.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace integration {

/// Where the program lies, by PATH and where system programs lie; nothing where it is not installed.
std::optional<std::filesystem::path> find_program(const std::string& name);

/// The servers are absent: nothing can be said. main() makes it the exit code that ctest knows.
struct skipped {
    std::string why;
};
constexpr int skipped_code = 77;

/// Throws skipped, which names the package.
std::filesystem::path need_program(const std::string& name, const std::string& package);

class child {
public:
    /// Standard output and error go to the file, appended. `ends_by` is the signal that ends it: what the kernel sends
    /// it at our death, and the destructor, before it kills whoever is left. Throws std::system_error where there can
    /// be no process.
    child(const std::vector<std::string>& command, const std::filesystem::path& log, int ends_by = SIGKILL);
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child();

    void pause();   ///< SIGSTOP; returns when it has stopped
    void resume();  ///< SIGCONT
    void kill();    ///< SIGKILL to the whole group, and reaps
    void signal(int number);

    /// False once it has ended; it is reaped then.
    bool running();
    /// The exit code, 128 + n after signal n; nothing where it still runs after that time.
    std::optional<int> wait_for(std::chrono::milliseconds longest);

private:
    bool reap(int flags, int& status);

    const int ends_by_;
    pid_t pid_ = 0;
    std::optional<int> code_;
};

}  // namespace integration
