// What an allocation is told for which there are too few bytes.
#include <bulwark/memory_resource.hpp>

#include "raise.hpp"

#include <new>

namespace bulwark::inline BULWARK_ABI::detail {

void refuse_memory() {
    raise(std::bad_alloc());
}

}  // namespace bulwark::inline BULWARK_ABI::detail
