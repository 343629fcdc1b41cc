// A fast hash of 128 bits. States are known by it alone: with 2^24 of them the odds of one wrong match are 2^-80.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace explore {

struct digest {
    std::uint64_t low = 0;
    std::uint64_t high = 0;

    friend bool operator==(const digest&, const digest&) = default;
};

class hasher {
public:
    void add(std::uint64_t word) { mix(0, word); }

    /// In strides of four words, whose chains of multiplications are independent of each other.
    void add_bytes(std::span<const std::byte> bytes) {
        std::array<std::uint64_t, lanes> words{};
        while (bytes.size() >= sizeof words) {
            std::memcpy(words.data(), bytes.data(), sizeof words);
            for (std::size_t i = 0; i != lanes; ++i) mix(i, words[i]);
            bytes = bytes.subspan(sizeof words);
        }
        if (bytes.empty()) return;
        words = {};
        std::memcpy(words.data(), bytes.data(), bytes.size());
        for (std::size_t i = 0; i != lanes; ++i) mix(i, words[i]);
    }

    digest value() const {
        digest all;
        for (std::size_t i = 0; i != lanes; ++i) {
            all.low = (std::rotl(all.low, 29) ^ low_[i]) * 0x9E3779B97F4A7C15U;
            all.high = (std::rotl(all.high, 31) + high_[i]) * 0xC2B2AE3D27D4EB4FU;
        }
        all.low ^= all.low >> 32;
        all.high |= 1;  // 0 marks an empty place of the set
        return all;
    }

private:
    static constexpr std::size_t lanes = 4;

    void mix(std::size_t i, std::uint64_t word) {
        low_[i] = std::rotl((low_[i] ^ word) * 0x9FB21C651E98DF25U, 27);
        high_[i] = std::rotl((high_[i] + word) * 0xD6E8FEB86659FD93U, 37);
    }

    std::array<std::uint64_t, lanes> low_{1, 2, 3, 4};
    std::array<std::uint64_t, lanes> high_{5, 6, 7, 8};
};

/// Digests that were met. Open addressing: there are millions, and a node for each would be most of the run.
class digest_set {
public:
    std::size_t size() const { return size_; }

    /// False where it was there already.
    bool insert(const digest& d) {
        if (size_ * 4 >= table_.size() * 3) grow();
        if (!place(table_, d)) return false;
        ++size_;
        return true;
    }

private:
    static bool place(std::vector<digest>& table, const digest& d) {
        std::size_t slot = d.low & (table.size() - 1);
        for (; table[slot].high != 0; slot = (slot + 1) & (table.size() - 1)) {
            if (table[slot] == d) return false;
        }
        table[slot] = d;
        return true;
    }

    void grow() {
        std::vector<digest> larger(table_.empty() ? 1024 : table_.size() * 2);
        for (const digest& d : table_) {
            if (d.high != 0) place(larger, d);
        }
        table_.swap(larger);
    }

    std::vector<digest> table_;
    std::size_t size_ = 0;
};

}  // namespace explore
