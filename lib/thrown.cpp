// Reads exceptions by throwing them again, which is slow and the only way there is.
#include <bulwark/detail/thrown.hpp>

#include <system_error>

#if BULWARK_HAS_EXCEPTIONS

namespace bulwark::inline BULWARK_ABI::detail {

std::optional<errc> refusal_in(const std::exception_ptr& thrown) noexcept {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::system_error& e) {
        if (e.code().category() != error_category()) return std::nullopt;
        const auto reason = static_cast<errc>(e.code().value());
        if (outcome_of_error(reason) == outcome::failure) return std::nullopt;
        return reason;
    } catch (...) {
        return std::nullopt;
    }
}

outcome outcome_of_thrown() noexcept {
    const std::exception_ptr thrown = std::current_exception();
    // None where it is no exception of C++: the end of a thread, say.
    return thrown && refusal_in(thrown) ? outcome::ignored : outcome::failure;
}

}  // namespace bulwark::inline BULWARK_ABI::detail

#endif
