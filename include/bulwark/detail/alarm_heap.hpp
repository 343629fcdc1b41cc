// A binary heap of items that lie elsewhere, the earliest first. Each knows its place, so that it can be taken out from
// the middle: in O(log n), like everything here.
//
// Invariants: no item is earlier than its parent; heap[i]->at == i; an item that is in no heap has at == gone.
//
// Not thread-safe: the timer has it behind its mutex.
#pragma once

#include <bulwark/version.hpp>

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace bulwark::inline BULWARK_ABI::detail {

/// A base of what a heap holds.
template <class Deadline>
struct heap_item {
    static constexpr std::size_t gone = std::numeric_limits<std::size_t>::max();

    explicit heap_item(Deadline end) noexcept : when(end) {}

    const Deadline when;
    std::size_t at = gone;
};

template <class Item>
class alarm_heap {
public:
    bool empty() const noexcept { return items_.empty(); }
    std::size_t size() const noexcept { return items_.size(); }
    /// The earliest. There must be one.
    Item& front() const noexcept { return *items_.front(); }

    /// Throws std::bad_alloc; nothing is changed then.
    void add(Item& item) {
        items_.push_back(&item);
        rise(items_.size() - 1);
    }

    /// It must be in here.
    void remove(Item& item) noexcept {
        const std::size_t hole = std::exchange(item.at, Item::gone);
        Item* const last = items_.back();
        items_.pop_back();
        if (last == &item) return;
        put(hole, last);
        rise(hole);
        sink(last->at);
    }

private:
    void put(std::size_t at, Item* item) noexcept {
        items_[at] = item;
        item->at = at;
    }

    void rise(std::size_t at) noexcept {
        Item* const item = items_[at];
        for (; at != 0 && item->when < items_[(at - 1) / 2]->when; at = (at - 1) / 2) put(at, items_[(at - 1) / 2]);
        put(at, item);
    }

    void sink(std::size_t at) noexcept {
        Item* const item = items_[at];
        for (std::size_t child = 2 * at + 1; child < items_.size(); child = 2 * at + 1) {
            if (child + 1 < items_.size() && items_[child + 1]->when < items_[child]->when) ++child;
            if (!(items_[child]->when < item->when)) break;
            put(at, items_[child]);
            at = child;
        }
        put(at, item);
    }

    std::vector<Item*> items_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
