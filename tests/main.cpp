// main() of every test program where Catch2 is of version 2; version 3 brings its own.
#define CATCH_CONFIG_MAIN
#include "catch.h"
