// The memory model: which values a load may see.
//
// Every location keeps its modification order, a list of messages (value, view). A *view* says of each location which
// message is the oldest that may still be read; each thread has one. Reading or writing a message raises the thread's
// view of that location (coherence). A release write puts the thread's view into its message, an acquire read joins
// the view of the message that it reads (happens-before). A read-modify-write reads the newest message, and its own
// message keeps the view of the one before (release sequences). A load may read every message that its view allows,
// and so may a failing compare-and-swap, where the value differs from the expected one; which one is a choice of the
// search. For seq_cst see total_order.hpp.
//
// This is RC11 (C++20 without the executions in which values come out of thin air), with these limits:
//  - A plain atomic store goes to the end of the modification order. Executions where program order and modification
//    orders form a cycle (2+2W) are therefore missed. Where shared writes are read-modify-writes nothing is missed.
//  - A load never reads a write that is not yet done: load buffering (LB) is not produced; RC11 forbids it, C++ does
//    not.
//  - No fences, no consume, no mixed sizes.
#pragma once

#include <explore/total_order.hpp>
#include <explore/view.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace explore {

enum class action : std::uint8_t {
    load,
    store,
    add,
    compare,  ///< compare-and-swap
    park,     ///< sleep while the newest value is the expected one
    wake,     ///< the end of a sleep
    unpark,   ///< end every sleep on the location
};

/// What a thread wants to do next. Lives on the thread's own stack until it is done.
struct request {
    action what = action::load;
    std::uint8_t location = 0;
    bool acquire = false;
    bool release = false;
    bool total = false;  ///< seq_cst
    bool weak = false;   ///< may fail for no reason
    std::uint16_t site = 0;
    std::uint64_t mask = 0;  ///< of the value's bits
    std::uint64_t operand = 0;
    std::uint64_t expected = 0;
    std::uint64_t found = 0;
    bool succeeded = false;
};

/// How a request is answered: by which thread, reading which message.
struct choice {
    std::uint8_t thread = 0;
    stamp read = 0;
    bool fails = false;  ///< a compare-and-swap that does not write
    bool old = false;    ///< reads another message than the newest; no part of what the choice is

    friend bool operator==(const choice& a, const choice& b) {
        return a.thread == b.thread && a.read == b.read && a.fails == b.fails;
    }
};

/// May write, so that its place among the other writers of the location matters.
constexpr bool is_writer(action a) {
    return a != action::load && a != action::wake;
}

class memory {
    struct message {
        std::uint64_t value = 0;
        bool carries = false;  ///< anything: most do not
        view carried;
    };

public:
    /// All that changes, but for the messages themselves: these are only appended, so their number tells.
    struct state {
        std::array<stamp, max_locations> length{};
        std::array<view, max_threads> seen{};
        std::uint8_t locations = 0;
        std::uint8_t spurious_left = 0;
        total_order total;
    };

    void reset(std::uint8_t spurious_failures) {
        now_ = {};
        now_.spurious_left = spurious_failures;
    }

    std::uint8_t add_location(std::uint64_t initial) {
        if (now_.locations == max_locations - total_order::max_events)
            throw std::length_error("explore: too many locations");
        const std::uint8_t x = now_.locations++;
        append(x, initial, {}, false);
        return x;
    }

    std::uint64_t newest(std::uint8_t x) const { return messages_[x][last(x)].value; }

    /// A version of a plain datum: a location without values, for race checks.
    stamp seen(std::size_t thread, std::uint8_t x) const { return now_.seen[thread].at[x]; }
    bool has_seen_newest(std::size_t thread, std::uint8_t x) const { return now_.seen[thread].at[x] == last(x); }
    void write_version(std::size_t thread, std::uint8_t x) { now_.seen[thread].at[x] = append(x, 0, {}, false); }

    /// Every way in which the request can be answered now, the newest message first.
    void list_choices(std::size_t thread, const request& r, std::vector<choice>& into) const {
        const auto t = static_cast<std::uint8_t>(thread);
        const std::uint8_t x = r.location;
        const bool compares = r.what == action::compare;
        if (compares && newest(x) == r.expected) {
            into.push_back({t, last(x)});
            if (r.weak && now_.spurious_left != 0) into.push_back({t, last(x), true});
        } else if (r.what != action::load && !compares) {
            into.push_back({t, last(x)});
            return;
        }
        for (int m = last(x); m >= now_.seen[thread].at[x]; --m) {
            const message& seen = messages_[x][static_cast<std::size_t>(m)];
            const auto read = static_cast<stamp>(m);
            if (compares ? seen.value == r.expected : r.total && !total_allows(thread, r, read)) continue;
            into.push_back({t, read, compares, read != last(x)});
        }
    }

    void perform(std::size_t thread, request& r, choice c) {
        const std::uint8_t x = r.location;
        view& seen = now_.seen[thread];
        now_.total.before(thread, x, seen);
        const message& read = messages_[x][c.read];
        r.found = read.value;
        r.succeeded = !c.fails;
        const bool reads = r.what != action::store && r.what != action::unpark && r.what != action::wake;
        wrote_ = 0;
        const bool writes = !c.fails && (r.what == action::store || r.what == action::add || r.what == action::compare);
        if (c.fails && r.found == r.expected) --now_.spurious_left;
        if (reads) {
            seen.at[x] = std::max(seen.at[x], c.read);
            if (r.acquire && !c.fails) seen.join(read.carried);
        }
        if (writes) {
            const view before = reads ? read.carried : view{};
            const bool carries = r.release || (reads && read.carries);
            const std::uint64_t value = r.what == action::add ? r.found + r.operand : r.operand;
            seen.at[x] = wrote_ = append(x, value & r.mask, before, carries);
            if (r.total) now_.total.add(thread, x, seen, last(x), writes);
            if (r.release) messages_[x][last(x)].carried.join(seen);
        } else if (r.total && !c.fails) {
            now_.total.add(thread, x, seen, c.read, writes);
        }
    }

    /// What follows a thread's end, or comes before its begin, is ordered with all that it did.
    void join_all(std::size_t threads) {
        view all;
        for (std::size_t t = 0; t != threads; ++t) all.join(now_.seen[t]);
        for (std::size_t x = 0; x != now_.locations; ++x) all.at[x] = last(x);
        for (view& v : now_.seen) v = all;
    }

    /// The message that the last perform() wrote; 0 where it wrote none.
    stamp wrote() const { return wrote_; }

    const state& now() const { return now_; }
    void go_back(const state& to) { now_ = to; }

    /// Feeds `hash` all that the future depends on: messages that nobody can read any more are left out, and stamps are
    /// counted from the oldest that somebody can.
    template <class Hash>
    void hash(Hash& hash, std::size_t threads, unsigned finished) const {
        view oldest;
        for (std::size_t x = 0; x != now_.locations; ++x) {
            oldest.at[x] = last(x);
            for (std::size_t t = 0; t != threads; ++t) {
                if ((finished >> t & 1) == 0) oldest.at[x] = std::min(oldest.at[x], now_.seen[t].at[x]);
            }
        }
        const std::size_t used = now_.total.size() == 0 ? now_.locations : max_locations;
        const auto put = [&](const view& v) {
            view newer;
            for (std::size_t x = 0; x != max_locations; ++x) {
                newer.at[x] = static_cast<stamp>(std::max(v.at[x], oldest.at[x]) - oldest.at[x]);
            }
            hash.add_bytes(std::as_bytes(std::span(newer.at).first(used)));
        };
        for (std::size_t t = 0; t != threads; ++t) {
            if ((finished >> t & 1) == 0) put(now_.seen[t]);
        }
        for (std::size_t x = 0; x != now_.locations; ++x) {
            hash.add(static_cast<std::uint64_t>(last(x) - oldest.at[x]));
            for (std::size_t m = oldest.at[x]; m <= last(x); ++m) {
                hash.add(messages_[x][m].value);
                if (messages_[x][m].carries) put(messages_[x][m].carried);
            }
        }
        hash.add(now_.spurious_left);
        if (now_.total.size() != 0) hash.add_bytes(std::as_bytes(std::span(&now_.total, 1)));
    }

private:
    stamp last(std::uint8_t x) const { return static_cast<stamp>(now_.length[x] - 1); }
    stamp last(std::size_t x) const { return static_cast<stamp>(now_.length[x] - 1); }

    stamp append(std::uint8_t x, std::uint64_t value, const view& carried, bool carries) {
        const stamp at = now_.length[x];
        if (at == max_stamp) throw std::length_error("explore: too many writes of one location");
        if (messages_[x].size() <= at) messages_[x].resize(at + std::size_t{8});
        messages_[x][at] = {value, carries, carried};
        ++now_.length[x];
        return at;
    }

    bool total_allows(std::size_t thread, const request& r, stamp read) const {
        view then = now_.seen[thread];
        total_order with = now_.total;
        with.before(thread, r.location, then);
        then.at[r.location] = std::max(then.at[r.location], read);
        then.join(messages_[r.location][read].carried);
        return with.add(thread, r.location, then, read, false);
    }

    state now_;
    stamp wrote_ = 0;
    std::array<std::vector<message>, max_locations> messages_;
};

}  // namespace explore
