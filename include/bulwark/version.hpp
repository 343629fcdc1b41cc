// The version of the library: its single source. The build, the packages and pkg-config read it from here.
//
// BULWARK_ABI names the inline namespace that everything lies in: `bulwark::circuit_breaker` is
// `bulwark::v0_1::circuit_breaker` to the linker. So two versions in one program, each through another library say, do
// not take each other's words for their own. Versions that differ in the patch number only share it.
#pragma once

#define BULWARK_VERSION_MAJOR 0
#define BULWARK_VERSION_MINOR 1
#define BULWARK_VERSION_PATCH 0

#define BULWARK_ABI_OF(major, minor) v##major##_##minor
#define BULWARK_ABI_NAMED(major, minor) BULWARK_ABI_OF(major, minor)
#define BULWARK_ABI BULWARK_ABI_NAMED(BULWARK_VERSION_MAJOR, BULWARK_VERSION_MINOR)
