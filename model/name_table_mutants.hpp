// What the tables of names hold here, and tables that have a planted defect which no memory order shows: members of the
// shipped template, written anew for the traits of each.
#pragma once

#include "relacy.hpp"
// Relacy comes first: it sets feature macros of the C library.
#include "explore.hpp"
#include "traits.hpp"

#include <bulwark/detail/name_table.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace bulwark::model {

/// What a name leads to.
struct named {
    static inline unsigned alive = 0;

    named(std::string_view its_name, std::uint64_t its_number, bool finished = true)
        : name(its_name), number(its_number) {
        ++alive;
        if (finished) finish();
    }
    named(const named&) = delete;
    named& operator=(const named&) = delete;
    ~named() { --alive; }

    void finish() { whole(RL_INFO) = number; }
    std::uint64_t number_when_whole() {
        const std::uint64_t seen = whole(RL_INFO);
        if (seen != number) give_up("an object is met before it is whole");
        return seen;
    }

    const std::string_view name;
    const std::uint64_t number;
    rl::var<std::uint64_t> whole;
};

/// Of four names: a and b have one hash; in two buckets, c is in theirs, d is not.
enum : std::uint32_t { a, b, c, d };
inline constexpr std::array<std::string_view, 4> names{"a", "b", "c", "d"};
inline constexpr std::array<std::size_t, 4> hashes{0, 0, 2, 1};

struct few_hashes {
    std::size_t operator()(std::string_view name) const noexcept {
        return hashes[static_cast<std::size_t>(name[0] - 'a')];
    }
};

template <class Traits>
using table_over = bulwark::detail::name_table<named, Traits, few_hashes>;

struct table_traits : traits<> {};
// Planted defects.
/// Who loses the race does not look what the other put in.
struct searches_once : table_traits {};
/// The chain behind a node is hung on when the node is in the table.
struct linked_late : table_traits {};
/// The object is finished when the node is in the table.
struct finished_late : table_traits {};
/// What was made in vain stays.
struct hoards : table_traits {};

}  // namespace bulwark::model

namespace bulwark::detail {

template <>
template <class Make>
model::named& model::table_over<model::searches_once>::get_or_create(std::string_view name, const Make& make) {
    const std::size_t hash = model::few_hashes()(name);
    auto& head = heads_[hash & mask_];
    node* first = read(head);
    if (node* const found = search(first, nullptr, hash, name)) return found->object;
    auto made = std::make_unique<node>(hash, name, make);
    for (;; first = read(head)) {
        made->next = first;
        node* seen = first;
        if (head.compare_exchange_weak(seen, made.get(), memory_order_release)) return made.release()->object;
    }
}

template <>
template <class Make>
model::named& model::table_over<model::linked_late>::get_or_create(std::string_view name, const Make& make) {
    const std::size_t hash = model::few_hashes()(name);
    auto& head = heads_[hash & mask_];
    for (std::unique_ptr<node> made;;) {
        node* const first = read(head);
        if (node* const found = search(first, nullptr, hash, name)) return found->object;
        if (!made) made = std::make_unique<node>(hash, name, make);
        node* seen = first;
        if (!head.compare_exchange_weak(seen, made.get(), memory_order_release)) continue;
        (void)read(head);  // others may run here
        made->next = first;
        return made.release()->object;
    }
}

template <>
template <class Make>
model::named& model::table_over<model::finished_late>::get_or_create(std::string_view name, const Make& make) {
    const std::size_t hash = model::few_hashes()(name);
    auto& head = heads_[hash & mask_];
    for (std::unique_ptr<node> made;;) {
        node* const first = read(head);
        if (node* const found = search(first, nullptr, hash, name)) return found->object;
        if (!made) made = std::make_unique<node>(hash, name, make);
        made->next = first;
        node* seen = first;
        if (!head.compare_exchange_weak(seen, made.get(), memory_order_release)) continue;
        made->object.finish();
        return made.release()->object;
    }
}

template <>
template <class Make>
model::named& model::table_over<model::hoards>::get_or_create(std::string_view name, const Make& make) {
    const std::size_t hash = model::few_hashes()(name);
    auto& head = heads_[hash & mask_];
    for (std::unique_ptr<node> made;;) {
        node* const first = read(head);
        if (node* const found = search(first, nullptr, hash, name)) {
            // NOLINTNEXTLINE(bugprone-unused-return-value): the defect
            (void)made.release();
            return found->object;
        }
        if (!made) made = std::make_unique<node>(hash, name, make);
        made->next = first;
        node* seen = first;
        if (head.compare_exchange_weak(seen, made.get(), memory_order_release)) return made.release()->object;
    }
}

}  // namespace bulwark::detail
