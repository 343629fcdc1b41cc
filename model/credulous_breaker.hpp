// A breaker with a planted defect that no memory order shows: every outcome is credited to the generation that is
// current when it comes, as if it had been admitted there.
#pragma once

#include <bulwark/circuit_breaker_config.hpp>
#include <bulwark/detail/breaker_core.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>

#include <cstdint>
#include <optional>

namespace bulwark::model {

template <class Clock, class Traits>
class credulous_breaker {
public:
    using clock = Clock;

    class permit {
    public:
        permit(credulous_breaker& owner, const bulwark::detail::ticket& admitted)
            : owner_(&owner), admitted_(admitted) {}

        bool success() { return owner_->report(admitted_, outcome::success); }
        bool failure() { return owner_->report(admitted_, outcome::failure); }
        bool ignore() { return owner_->report(admitted_, outcome::ignored); }

    private:
        credulous_breaker* owner_;
        bulwark::detail::ticket admitted_;
    };

    explicit credulous_breaker(const circuit_breaker_config& config)
        : config_(config),
          core_({.max_requests = config.max_requests,
                 .interval = static_cast<std::uint64_t>(config.interval.count()),
                 .timeout = static_cast<std::uint64_t>(config.timeout.count()),
                 .probe_timeout = static_cast<std::uint64_t>(config.probe_timeout.count())}) {}

    result<permit> try_acquire() {
        const bulwark::detail::admission answer = core_.admit();
        tell(answer.made);
        if (answer.refusal != errc{}) return answer.refusal;
        return permit(*this, answer.admitted);
    }

    breaker_snapshot snapshot() const { return core_.observe(); }

private:
    bool report(bulwark::detail::ticket admitted, outcome o) {
        admitted.generation = core_.observe().generation;
        const bulwark::detail::report_result answer = core_.report(admitted, o, config_.ready_to_trip);
        tell(answer.made);
        return answer.counted;
    }

    void tell(const std::optional<transition>& made) {
        if (made) config_.on_state_change(*made);
    }

    const circuit_breaker_config config_;
    bulwark::detail::breaker_core<Clock, Traits> core_;
};

}  // namespace bulwark::model
