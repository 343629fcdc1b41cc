// Implements settings.hpp.
#include "settings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace demo {
namespace {

struct toggle {
    const char* name;
    bool settings::* value;
};
constexpr std::array toggles{
    toggle{"hang", &settings::hang},       toggle{"trickle", &settings::trickle},   toggle{"refuse", &settings::refuse},
    toggle{"breaker", &settings::breaker}, toggle{"bulkhead", &settings::bulkhead}, toggle{"retry", &settings::retry},
    toggle{"budget", &settings::budget},
};

struct slider {
    const char* name;
    int settings::* value;
    int most;
    const char* for_people;
    const char* unit;
};
constexpr std::array sliders{
    slider{"error_percent", &settings::error_percent, 100, "errors ", " %"},
    slider{"added_latency_ms", &settings::added_latency_ms, 1000, "added latency ", " ms"},
};

bool set(settings& all, const std::string& name, const nlohmann::json& value) {
    if (const auto* const found = std::ranges::find(toggles, name, &toggle::name); found != toggles.end()) {
        if (!value.is_boolean()) throw std::invalid_argument(name + " must be true or false");
        all.*(found->value) = value.get<bool>();
        return true;
    }
    if (const auto* const found = std::ranges::find(sliders, name, &slider::name); found != sliders.end()) {
        // Compared as they came: a number too large for an int would be turned into one that is not.
        if (!value.is_number_integer() || value < 0 || value > found->most) {
            throw std::invalid_argument(name + " must be a whole number from 0 to " + std::to_string(found->most));
        }
        all.*(found->value) = value.get<int>();
        return true;
    }
    return false;
}

}  // namespace

nlohmann::json to_json(const settings& all) {
    nlohmann::json made;
    for (const toggle& t : toggles) made[t.name] = all.*(t.value);
    for (const slider& s : sliders) made[s.name] = all.*(s.value);
    return made;
}

settings changed(const settings& now, const nlohmann::json& wanted) {
    if (!wanted.is_object() || wanted.empty()) throw std::invalid_argument("expected an object with settings");
    settings made = now;
    for (const auto& [name, value] : wanted.items()) {
        if (!set(made, name, value)) throw std::invalid_argument("there is no setting '" + name + "'");
    }
    return made;
}

std::vector<std::string> differences(const settings& before, const settings& after) {
    std::vector<std::string> made;
    for (const toggle& t : toggles) {
        if (before.*(t.value) != after.*(t.value)) {
            made.push_back(t.name + std::string(after.*(t.value) ? " on" : " off"));
        }
    }
    for (const slider& s : sliders) {
        if (before.*(s.value) != after.*(s.value)) {
            made.push_back(s.for_people + std::to_string(after.*(s.value)) + s.unit);
        }
    }
    return made;
}

}  // namespace demo
