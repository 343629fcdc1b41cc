// Compartments behind one std::mutex: the specification of bulwark::compartments, and a drop-in to compare it with.
//
// Thread safety: as bulwark::compartments. Progress: every member is blocking.
#pragma once

#include <bulwark/compartments_config.hpp>
#include <bulwark/errc.hpp>
#include <bulwark/outcome.hpp>
#include <bulwark/reference/bulkhead.hpp>
#include <bulwark/reference/circuit_breaker.hpp>
#include <bulwark/version.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bulwark::inline BULWARK_ABI::reference {

template <class Clock = coarse_clock>
class basic_compartment {
public:
    using breaker_type = basic_circuit_breaker<Clock>;
    using bulkhead_type = reference::bulkhead;

    /// Both configurations must live as long as the compartment.
    basic_compartment(std::string_view name, const compartment_config& config, const compartments_config& of_all)
        : name_(name), breaker_(telling(config.breaker, of_all)), bulkhead_(telling(config.bulkhead, of_all)) {}

    basic_compartment(const basic_compartment&) = delete;
    basic_compartment& operator=(const basic_compartment&) = delete;

    std::string_view name() const { return name_; }
    breaker_type& breaker() { return breaker_; }
    const breaker_type& breaker() const { return breaker_; }
    bulkhead_type& bulkhead() { return bulkhead_; }
    const bulkhead_type& bulkhead() const { return bulkhead_; }

    template <class F>
        requires classifies_itself<F>
    execute_result<F> execute(F&& fn) {
        return guarded(std::forward<F>(fn), default_classifier{});
    }

    template <class F, class Classifier>
        requires classifier_of<Classifier, F>
    execute_result<F> execute(F&& fn, Classifier&& classify) {
        return guarded(std::forward<F>(fn), classify);
    }

private:
    /// Step by step, where the lock-free one nests the two executes.
    template <class F, class Classifier>
    execute_result<F> guarded(F&& fn, Classifier&& classify) {
        auto leave = breaker_.try_acquire();
        if (!leave) return {boost::system::in_place_error, leave.error()};
        auto held = bulkhead_.try_acquire();
        if (!held) {
            leave->ignore();
            return {boost::system::in_place_error, held.error()};
        }
        if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
            std::invoke(std::forward<F>(fn));  // throws: the permit counts a failure, the slot gives its place back
            give_back(std::move(*held));
            leave->success();
            return {boost::system::in_place_value};
        } else {
            execute_result<F> reply(boost::system::in_place_value, std::invoke(std::forward<F>(fn)));
            give_back(std::move(*held));
            const std::remove_reference_t<std::invoke_result_t<F>>& value = *reply;
            switch (std::invoke(classify, value)) {
                case outcome::success: leave->success(); break;
                case outcome::failure: leave->failure(); break;
                case outcome::ignored: leave->ignore(); break;
            }
            return reply;
        }
    }

    static void give_back(typename bulkhead_type::slot) {}

    circuit_breaker_config telling(circuit_breaker_config config, const compartments_config& of_all) const {
        config.on_state_change = [this, own = config.on_state_change, &of_all](const transition& made) {
            tell(own, made);
            tell(of_all.on_state_change, name(), made);
        };
        return config;
    }
    bulkhead_config telling(bulkhead_config config, const compartments_config& of_all) const {
        config.on_event = [this, own = config.on_event, &of_all](const bulkhead_event& event) {
            tell(own, event);
            tell(of_all.on_event, name(), event);
        };
        return config;
    }
    template <class Callback, class... What>
    static void tell(const Callback& whom, const What&... what) {
        if (!whom) return;
        try {
            whom(what...);
        } catch (...) {  // NOLINT(bugprone-empty-catch): dropped, as documented
        }
    }

    const std::string name_;  ///< before the two that tell it
    breaker_type breaker_;
    bulkhead_type bulkhead_;
};

template <class Clock = coarse_clock>
class basic_compartments {
public:
    using compartment = basic_compartment<Clock>;

    explicit basic_compartments(compartments_config config) : config_((validate(config), std::move(config))) {}

    basic_compartments(const basic_compartments&) = delete;
    basic_compartments& operator=(const basic_compartments&) = delete;

    compartment& operator[](std::string_view name) {
        const std::lock_guard lock(mutex_);
        const auto there = by_name_.find(name);
        if (there != by_name_.end()) return there->second;
        return by_name_.try_emplace(std::string(name), name, config_of(name), config_).first->second;
    }

    compartment* find(std::string_view name) {
        const std::lock_guard lock(mutex_);
        const auto there = by_name_.find(name);
        return there == by_name_.end() ? nullptr : &there->second;
    }
    const compartment* find(std::string_view name) const {
        const std::lock_guard lock(mutex_);
        const auto there = by_name_.find(name);
        return there == by_name_.end() ? nullptr : &there->second;
    }

    /// With nothing held: f may use the registry.
    template <class F>
    void for_each(F&& f) {
        std::vector<compartment*> all;
        {
            const std::lock_guard lock(mutex_);
            for (auto& [name, c] : by_name_) all.push_back(&c);
        }
        for (compartment* c : all) std::invoke(f, *c);
    }
    template <class F>
    void for_each(F&& f) const {
        std::vector<const compartment*> all;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [name, c] : by_name_) all.push_back(&c);
        }
        for (const compartment* c : all) std::invoke(f, *c);
    }

private:
    const compartment_config& config_of(std::string_view name) const {
        for (const service_config& service : config_.services) {
            if (service.name == name) return service.config;
        }
        return config_.defaults;
    }

    const compartments_config config_;
    mutable std::mutex mutex_;
    std::map<std::string, compartment, std::less<>> by_name_;  ///< its nodes stay where they are
};

using compartment = basic_compartment<>;
using compartments = basic_compartments<>;

}  // namespace bulwark::inline BULWARK_ABI::reference
