// Catch2, whichever version this machine has: 2.13 (Debian 12) or 3 (Ubuntu 24.04). Tests keep to
// what both know under one name, so no Approx.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
