// Compartments: a breaker and a bulkhead for each service, found by its name, so that no service can take the others
// down.
//
//     bulwark::compartments pools{{.defaults = {.bulkhead = {.max_concurrent = 20}},
//                                  .services = {{"orders", {.bulkhead = {.max_concurrent = 50}}}}}};
//     auto reply = pools["orders"].execute([&] { return client.get("/orders"); });
//     pools.for_each([&](const auto& c) { export_metrics(c.name(), c.breaker().snapshot(), c.bulkhead().in_use()); });
//
// One callback can be told of the transitions of all services, and one of the events of all bulkheads, by name: see
// compartments_config::on_state_change and on_event.
//
// Names are for services, of which there are few: a compartment stays as long as the registry, so a name must never be
// what a client sends.
//
// Thread safety: every member may be called from any thread at any time; construction and destruction excepted. The
// registry must outlive what its compartments gave out. References to compartments are good as long as it lives.
// Progress: find and for_each are wait-free (but for the function that is called), operator[] as well where the
// compartment exists. Creation is lock-free, but for the allocator. What a compartment does: see circuit_breaker.hpp,
// bulkhead.hpp. Cost of a look-up: a hash of the name, two or three loads; no allocation.
//
// The table is in detail/name_table.hpp.
#pragma once

#include <bulwark/bulkhead.hpp>
#include <bulwark/circuit_breaker.hpp>
#include <bulwark/clock.hpp>
#include <bulwark/compartments_config.hpp>
#include <bulwark/detail/name_table.hpp>
#include <bulwark/detail/traits.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/version.hpp>

#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bulwark::inline BULWARK_ABI {

/// A service as its callers see it. The registry makes it.
template <class Clock = coarse_clock, class Traits = detail::default_traits>
class basic_compartment {
public:
    using breaker_type = basic_circuit_breaker<Clock, Traits>;
    using bulkhead_type = bulwark::bulkhead;

    /// `name` must live as long as the compartment.
    basic_compartment(std::string_view name, const compartment_config& config)
        : name_(name), breaker_(config.breaker), bulkhead_(config.bulkhead) {}

    basic_compartment(const basic_compartment&) = delete;
    basic_compartment& operator=(const basic_compartment&) = delete;

    std::string_view name() const noexcept { return name_; }
    breaker_type& breaker() noexcept { return breaker_; }
    const breaker_type& breaker() const noexcept { return breaker_; }
    bulkhead_type& bulkhead() noexcept { return bulkhead_; }
    const bulkhead_type& bulkhead() const noexcept { return bulkhead_; }

    /// Calls fn where the breaker lets it through and the bulkhead has room, in that order; else the error says which
    /// refused. What fn returned or threw counts for the breaker as in circuit_breaker::execute(). That the bulkhead
    /// was full is no failure of the service: it counts as ignored.
    template <class F>
        requires classifies_itself<F>
    execute_result<F> execute(F&& fn) {
        return guarded(std::forward<F>(fn), default_classifier{});
    }

    /// The same, with a classifier: outcome(const R&).
    template <class F, class Classifier>
        requires classifier_of<Classifier, F>
    execute_result<F> execute(F&& fn, Classifier&& classify) {
        return guarded(std::forward<F>(fn), classify);
    }

private:
    template <class F, class Classifier>
    execute_result<F> guarded(F&& fn, Classifier&& classify) {
        const auto judge = [&](const execute_result<F>& reply) {
            if (!reply) return outcome::ignored;
            if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
                return outcome::success;
            } else {
                const std::remove_reference_t<std::invoke_result_t<F>>& value = *reply;
                return std::invoke(classify, value);
            }
        };
        auto reply = breaker_.execute([&] { return bulkhead_.execute(std::forward<F>(fn)); }, judge);
        if (!reply) return {boost::system::in_place_error, reply.error()};
        return std::move(*reply);
    }

    const std::string_view name_;
    breaker_type breaker_;
    bulkhead_type bulkhead_;
};

/// The registry. Traits are for the library's own tests and models.
template <class Clock = coarse_clock, class Traits = detail::default_traits>
class basic_compartments {
public:
    using compartment = basic_compartment<Clock, Traits>;

    /// Throws std::invalid_argument that names the service and the field of a configuration that makes no sense.
    explicit basic_compartments(compartments_config config)
        : config_((validate(config), std::move(config))), table_(config_.expected) {}

    basic_compartments(const basic_compartments&) = delete;
    basic_compartments& operator=(const basic_compartments&) = delete;

    /// The compartment of that name, created where there is none: by one thread, whoever else asks for it then.
    /// Creation may throw std::bad_alloc, and what copying the callbacks of the configuration throws; then nothing is
    /// changed.
    compartment& operator[](std::string_view name) {
        return table_.get_or_create(
            name, [this](std::string_view kept) { return compartment(kept, config_with_callbacks(config_, kept)); });
    }

    /// Null where there is no compartment of that name: nobody has asked for it with operator[] so far.
    compartment* find(std::string_view name) noexcept { return table_.find(name); }
    const compartment* find(std::string_view name) const noexcept { return table_.find(name); }

    /// Calls f with every compartment, in no order; compartments may be created meanwhile, also by f. Each that was
    /// there at the start is met once, those that came since once or not at all.
    template <class F>
    void for_each(F&& f) {
        table_.for_each(f);
    }
    template <class F>
    void for_each(F&& f) const {
        table_.for_each([&](const compartment& c) { std::invoke(f, c); });
    }

private:
    const compartments_config config_;  ///< before the table: the compartments refer to its callbacks
    detail::name_table<compartment, Traits> table_;
};

using compartment = basic_compartment<>;
using compartments = basic_compartments<>;

}  // namespace bulwark::inline BULWARK_ABI
