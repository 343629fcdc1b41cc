// The retry budget behind one std::mutex: the specification of bulwark::retry_budget, and a drop-in to compare it with.
//
// All there is to know: what is saved, in billionths of a retry. A call adds its share, a retry takes a whole one or is
// refused, and more than max_saved retries are never there.
//
// Thread safety: as bulwark::retry_budget. Progress: every member is blocking.
#pragma once

#include <bulwark/retry_budget_config.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace bulwark::inline BULWARK_ABI::reference {

class retry_budget {
public:
    explicit retry_budget(const retry_budget_config& config = {})
        : config_((validate(config), config)), saved_(whole(config.initial)) {}

    retry_budget(const retry_budget&) = delete;
    retry_budget& operator=(const retry_budget&) = delete;

    void deposit() { add(detail::retry_units(config_.percent)); }

    [[nodiscard]] bool try_withdraw() {
        const std::lock_guard lock(mutex_);
        if (saved_ < whole(1)) return false;
        saved_ -= whole(1);
        return true;
    }

    void refund() { add(whole(1)); }

    double balance() const {
        const std::lock_guard lock(mutex_);
        return static_cast<double>(saved_) / static_cast<double>(whole(1));
    }

private:
    static std::uint64_t whole(std::uint32_t retries) { return retries * detail::one_retry; }

    void add(std::uint64_t amount) {
        const std::lock_guard lock(mutex_);
        saved_ = std::min(saved_ + amount, whole(config_.max_saved));
    }

    const retry_budget_config config_;
    mutable std::mutex mutex_;
    std::uint64_t saved_;
};

}  // namespace bulwark::inline BULWARK_ABI::reference
