// Times of single calls, counted in buckets that grow with the time: 32 to each doubling, so that a quantile is off by
// 3% at most, and below 64 ns by nothing.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bulwark::bench {

/// Values below 64 have a bucket each; above, the top six bits of the value choose it.
struct log_buckets {
    static constexpr unsigned fine_bits = 5;
    static constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;

    static constexpr std::size_t of(std::uint64_t ns) noexcept {
        const unsigned width = static_cast<unsigned>(std::bit_width(ns));
        const unsigned shift = width > fine_bits + 1 ? width - fine_bits - 1 : 0;
        return static_cast<std::size_t>(shift * fine + (ns >> shift));
    }
    /// The value after the last one of the bucket.
    static constexpr std::uint64_t end(std::size_t bucket) noexcept {
        const std::uint64_t shift = bucket < 2 * fine ? 0 : bucket / fine - 1;
        return (bucket - shift * fine + 1) << shift;
    }
};

static_assert(log_buckets::of(63) == 63 && log_buckets::end(63) == 64);
static_assert(log_buckets::of(64) == 64 && log_buckets::end(64) == 66);
static_assert(log_buckets::of(1000) == log_buckets::of(1007) && log_buckets::end(log_buckets::of(1000)) == 1008);

class histogram {
public:
    void add(std::uint64_t ns) noexcept {
        ++buckets_[log_buckets::of(ns)];
        ++count_;
        longest_ = std::max(longest_, ns);
    }

    void add(const histogram& other) noexcept {
        for (std::size_t i = 0; i != buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        longest_ = std::max(longest_, other.longest_);
    }

    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t longest() const noexcept { return longest_; }

    /// So many ns or less took this share of the calls.
    std::uint64_t quantile(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i != buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen > wanted) return std::min(log_buckets::end(i) - 1, longest_);
        }
        return longest_;
    }

private:
    std::array<std::uint64_t, log_buckets::of(~std::uint64_t{0}) + 1> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t longest_ = 0;
};

}  // namespace bulwark::bench
