// The assert of the snippets: it names the page and the line, and is always on. Included after everything else, since
// <cassert> would take its name.
#pragma once

#include "prelude.hpp"

#undef assert
#define assert(condition) ((condition) ? void() : snippet::failed(__FILE__, __LINE__, #condition))
