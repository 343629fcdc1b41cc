// See service.hpp.
#include "service.hpp"

namespace bulwark::bench {

int service() {
    return 0;
}

}  // namespace bulwark::bench
