// A thread under exploration: a fiber whose whole state can be taken down as bytes and put back.
//
// The stack lies at a fixed place, so its bytes from the stack pointer up, where Boost.Context has also stored the
// registers, are all that the fiber is. Two fibers with equal bytes go on alike, which makes states comparable; putting
// the bytes back undoes what the fiber did, which makes going back cheap. Both hold only while the code in the fiber
// owns nothing outside its stack and the world of the program (no heap, no locks), and never ends by an exception. A
// fiber is abandoned, never unwound: the code under test is noexcept.
#pragma once

#include <boost/context/fiber.hpp>
#include <boost/context/stack_context.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace explore {

class fiber {
    using handle = boost::context::fiber;
    static_assert(sizeof(handle) == sizeof(std::byte*), "the handle must be the bare stack pointer");

public:
    fiber() = default;
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;

    /// Runs `body(*this)` until it first suspends. The body must never return.
    template <class Body>
    void start(Body body) {
        // Zero, so that what an earlier run left does not make equal states differ.
        std::memset(stack_.get(), 0, stack_size);
        ::new (place_.data()) handle(std::allocator_arg, fixed_stack{stack_.get()}, [this, body](handle&& back) {
            back_ = std::move(back);
            body(*this);
            return std::move(back_);
        });
        resume();
    }

    void resume() {
        handle next = std::move(self()).resume();
        std::swap(self(), next);
    }

    /// Called from within: goes back to whoever resumed it.
    void suspend() { back_ = std::move(back_).resume(); }

    /// The part of the stack in use. Only while suspended.
    std::span<std::byte> bytes() { return {stack_pointer(), stack_.get() + stack_size}; }

    std::byte* stack_pointer() const { return std::bit_cast<std::byte*>(place_); }

    /// Makes the stack pointer the given one, without a look at the present one; the bytes are for the caller to put.
    void go_back(std::byte* pointer) { place_ = std::bit_cast<decltype(place_)>(pointer); }

private:
    static constexpr std::size_t stack_size = std::size_t{64} * 1024;

    struct fixed_stack {
        std::byte* lowest;
        boost::context::stack_context allocate() const {
            boost::context::stack_context all;
            all.size = stack_size;
            all.sp = lowest + stack_size;
            return all;
        }
        void deallocate(boost::context::stack_context&) const {}
    };

    handle& self() { return *std::launder(reinterpret_cast<handle*>(place_.data())); }

    // Bytes, so that no destructor unwinds what is abandoned.
    alignas(handle) std::array<std::byte, sizeof(handle)> place_{};
    handle back_;
    std::unique_ptr<std::byte[]> stack_ = std::make_unique<std::byte[]>(stack_size);
};

}  // namespace explore
