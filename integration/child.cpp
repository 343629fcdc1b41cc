// Implements child.hpp with fork, exec and waitpid: a child must name its death signal itself, before it becomes the
// other program, and no library that is at hand lets it.
#include "child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace integration {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_wait = 10s;  // for what the kernel does at once
constexpr int cannot_execute = 127;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Between fork and exec: other threads of this program may hold any lock, so only system calls are safe.
[[noreturn]] void become(char* const* arguments, int log, int at_our_death, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, at_our_death);
    if (::getppid() != parent) ::_exit(cannot_execute);  // it died before the kernel was told
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    // A connection of ours that the server inherits would stay open for as long as the server lives.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execv(arguments[0], arguments);
    ::_exit(cannot_execute);
}

}  // namespace

std::optional<std::filesystem::path> find_program(const std::string& name) {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::filesystem::path candidate = std::filesystem::path(folder) / name;
        if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return std::nullopt;
}

std::filesystem::path need_program(const std::string& name, const std::string& package) {
    if (const auto found = find_program(name)) return *found;
    throw skipped{name + " is not installed (Debian, Ubuntu: " + package + ")"};
}

child::child(const std::vector<std::string>& command, const std::filesystem::path& log, int ends_by)
    : ends_by_(ends_by) {
    std::vector<std::string> kept = command;
    std::vector<char*> arguments;
    arguments.reserve(kept.size() + 1);
    for (std::string& argument : kept) arguments.push_back(argument.data());
    arguments.push_back(nullptr);

    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) fail("cannot write the log of a child");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) become(arguments.data(), file, ends_by, parent);
    const int error = errno;
    ::close(file);
    errno = error;
    if (pid_ < 0) fail("fork");
    // The child does the same: whoever comes first, the group is there before anyone signals it.
    ::setpgid(pid_, pid_);
}

child::~child() {
    // Politely where the child has children: killed, it leaves them to a process that may never reap them.
    if (ends_by_ != SIGKILL && running()) {
        ::kill(pid_, ends_by_);
        wait_for(5s);
    }
    kill();
}

void child::signal(int number) {
    // Once it is reaped the number may be another's.
    if (running()) ::kill(-pid_, number);
}

void child::pause() {
    signal(SIGSTOP);
    const auto end = std::chrono::steady_clock::now() + longest_wait;
    while (std::chrono::steady_clock::now() < end) {
        int status = 0;
        if (code_) break;
        if (reap(WUNTRACED, status) && WIFSTOPPED(status)) return;
        std::this_thread::sleep_for(1ms);
    }
    throw std::runtime_error("the child has not stopped");
}

void child::resume() {
    signal(SIGCONT);
}

void child::kill() {
    if (code_) return;
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    code_ = 128 + SIGKILL;
}

/// True where it has changed its state: `status` says how.
bool child::reap(int flags, int& status) {
    if (::waitpid(pid_, &status, flags | WNOHANG) != pid_) return false;
    if (WIFEXITED(status)) code_ = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) code_ = 128 + WTERMSIG(status);
    // What it started dies with it: nobody else would end that.
    if (code_) ::kill(-pid_, SIGKILL);
    return true;
}

bool child::running() {
    int status = 0;
    if (!code_) reap(0, status);
    return !code_;
}

std::optional<int> child::wait_for(std::chrono::milliseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (running() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(2ms);
    return code_;
}

}  // namespace integration
