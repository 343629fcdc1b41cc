#include <explore/machine.hpp>

namespace explore {

void machine::start(program& p, std::uint8_t spurious_failures) {
    current = this;
    program_ = &p;
    threads_ = p.threads();
    running_ = threads_;
    flags_ = {};
    violation_.clear();
    memory_.reset(spurious_failures);
    program_->begin();
    memory_.join_all(threads_);
    for (std::size_t t = 0; t != threads_; ++t) {
        running_ = t;
        fibers_[t].start([this, t](fiber& self) {
            program_->thread(t);
            flags_.finished |= 1U << t;
            self.suspend();
        });
    }
    running_ = threads_;
}

void machine::step(choice c) {
    const std::size_t t = c.thread;
    request& r = *flags_.wants[t];
    memory_.perform(t, r, c);
    if (r.what == action::park && r.found == r.expected) flags_.asleep |= 1U << t;
    if (r.what == action::unpark) {
        for (std::size_t other = 0; other != threads_; ++other) {
            if ((flags_.asleep >> other & 1) != 0 && wants(other).location == r.location)
                flags_.asleep &= ~(1U << other);
        }
    }
    running_ = t;
    fibers_[t].resume();
    running_ = threads_;
}

void machine::finish() {
    memory_.join_all(threads_);
    program_->end();
}

void machine::perform(request& r) {
    if (running_ == threads_) {
        std::vector<choice> newest;
        memory_.list_choices(0, r, newest);
        memory_.perform(0, r, newest.front());
        memory_.join_all(1);
        return;
    }
    flags_.wants[running_] = &r;
    fibers_[running_].suspend();
}

void machine::fail(std::string why) {
    if (violation_.empty()) violation_ = std::move(why);
    if (running_ != threads_) {
        for (;;) fibers_[running_].suspend();
    }
}

void machine::save(snapshot& into) {
    const std::span<std::byte> world = program_->world();
    std::size_t size = sizeof flags_ + sizeof(memory::state) + world.size();
    for (std::size_t t = 0; t != threads_; ++t) {
        flags_.stacks[t] = fibers_[t].stack_pointer();
        size += fibers_[t].bytes().size();
    }
    into.resize(size);
    std::byte* out = into.data();
    const auto put = [&](const void* from, std::size_t length) {
        std::memcpy(out, from, length);
        out += length;
    };
    put(&flags_, sizeof flags_);
    put(&memory_.now(), sizeof(memory::state));
    put(world.data(), world.size());
    for (std::size_t t = 0; t != threads_; ++t) {
        put(flags_.stacks[t], fibers_[t].bytes().size());
    }
}

void machine::go_back(const snapshot& to) {
    const std::span<std::byte> world = program_->world();
    const std::byte* in = to.data();
    const auto take = [&](void* into, std::size_t length) {
        std::memcpy(into, in, length);
        in += length;
    };
    memory::state then;
    take(&flags_, sizeof flags_);
    take(&then, sizeof then);
    memory_.go_back(then);
    take(world.data(), world.size());
    for (std::size_t t = 0; t != threads_; ++t) {
        fibers_[t].go_back(flags_.stacks[t]);
        take(flags_.stacks[t], fibers_[t].bytes().size());
    }
    violation_.clear();
    running_ = threads_;
}

digest machine::hash(std::uint64_t more) {
    hasher all;
    all.add(more);
    all.add(flags_.finished | std::uint64_t{flags_.asleep} << 32);
    all.add_bytes(program_->world());
    for (std::size_t t = 0; t != threads_; ++t) {
        if ((flags_.finished >> t & 1) != 0) continue;
        all.add(fibers_[t].bytes().size());
        all.add_bytes(fibers_[t].bytes());
    }
    memory_.hash(all, threads_, flags_.finished);
    return all.value();
}

}  // namespace explore
