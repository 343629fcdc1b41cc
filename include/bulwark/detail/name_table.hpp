// A lock-free table from names to objects that stay: things are put in and looked up, never moved and never taken out.
//
//     buckets: [ head | head | head | head ]      an atomic pointer each; their number is fixed at construction
//                 |             |
//               node          node                node: hash, name, object, next; all fixed once a head leads there
//                 |
//               node
//
// A name's hash chooses its bucket. To look up: read the head, walk the chain. To put in: walk the chain; where the
// name is not there, make a node before the chain and swap the head for it. Where the swap fails, others have put nodes
// before the chain as it was: only those are searched then, and the swap is tried again.
//
// Invariants
//  - A chain only grows, at its head; a node that was reachable from a head once is so for ever, and what was reachable
//    from a node never changes. So the head that one load returns fixes a whole chain.
//  - A name is in the table once: who swaps the head has searched exactly the chain that he swaps it on.
//  - No node comes free before the table's destruction, so that equal heads are the same chain (no ABA), and references
//    to objects stay good.
//
// Linearization: find at its load of the head; get_or_create at its swap, or, where the name is there, at its last load
// of the head. Each bucket is a word of its own: of two names in two buckets, put in by two threads at the same time,
// each thread may miss the other's (store buffering). for_each meets once whatever was there when it began, and each
// object that is put in meanwhile at most once.
// Progress: find and for_each (without the user's function) are wait-free: a load a bucket, and as many steps as the
// chain had nodes then. get_or_create is the same where the name is there; else lock-free: a swap fails because another
// thread's succeeded. It allocates only where the name is not there.
//
// Synchronizing edges, by number:
//   (12) get_or_create() releases a node -> read() acquires it: the node, its object and all nodes behind it are made
//        before anybody comes to them.
#pragma once

#include <bulwark/detail/traits.hpp>
#include <bulwark/version.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace bulwark::inline BULWARK_ABI::detail {

/// Hash: from std::string_view to std::size_t; it must not throw.
template <class T, class Traits = default_traits, class Hash = std::hash<std::string_view>>
class name_table {
public:
    /// For so many names a chain has one node on the average, or fewer.
    explicit name_table(std::uint32_t expected)
        : mask_(std::bit_ceil(std::max<std::size_t>(expected, 1)) - 1),
          heads_(std::make_unique<typename Traits::template atomic<node*>[]>(mask_ + 1)) {}

    name_table(const name_table&) = delete;
    name_table& operator=(const name_table&) = delete;

    ~name_table() {
        for (std::size_t i = 0; i <= mask_; ++i) {
            // relaxed: nobody else has the table any more.
            const node* at = heads_[i].load(memory_order_relaxed);
            while (at != nullptr) delete std::exchange(at, at->next);
        }
    }

    /// Null where there is no such name.
    T* find(std::string_view name) const noexcept {
        const std::size_t hash = Hash()(name);
        node* const found = search(read(heads_[hash & mask_]), nullptr, hash, name);
        return found == nullptr ? nullptr : &found->object;
    }

    /// The object of that name. Where there is none, make(name) returns a new one, with a name that lives as long as
    /// the object; if another thread puts one in meanwhile, that one is the object, and the one just made is destroyed.
    template <class Make>
    T& get_or_create(std::string_view name, const Make& make) {
        const std::size_t hash = Hash()(name);
        auto& head = heads_[hash & mask_];
        std::unique_ptr<node> made;
        const node* searched = nullptr;
        for (;;) {
            node* const first = read(head);
            if (node* const found = search(first, searched, hash, name)) return found->object;
            searched = first;
            if (!made) made = std::make_unique<node>(hash, name, make);
            made->next = first;
            node* seen = first;
            // (12) release: synchronizes with the acquire (12) in read().
            if (head.compare_exchange_weak(seen, made.get(), memory_order_release)) return made.release()->object;
            Traits::pause();
        }
    }

    template <class F>
    void for_each(F&& f) const {
        for (std::size_t i = 0; i <= mask_; ++i) {
            for (node* at = read(heads_[i]); at != nullptr; at = at->next) std::invoke(f, at->object);
        }
    }

private:
    struct node {
        template <class Make>
        node(std::size_t its_hash, std::string_view its_name, const Make& make)
            : hash(its_hash), name(its_name), object(make(std::string_view(name))) {}

        const std::size_t hash;
        node* next = nullptr;  ///< written before the node is in the table, and never again
        const std::string name;
        T object;
    };

    using head_word = typename Traits::template atomic<node*>;

    static node* read(const head_word& head) noexcept {
        // (12) acquire: synchronizes with the release (12) in get_or_create().
        return head.load(memory_order_acquire);
    }

    /// In the chain from `first` up to, not including, `end`.
    static node* search(node* first, const node* end, std::size_t hash, std::string_view name) noexcept {
        for (node* at = first; at != end; at = at->next) {
            if (at->hash == hash && at->name == name) return at;
        }
        return nullptr;
    }

    const std::size_t mask_;
    const std::unique_ptr<head_word[]> heads_;
};

}  // namespace bulwark::inline BULWARK_ABI::detail
