# Finds Halide in the Python wheel that scripts/setup unpacks under .deps/venv.
#
#   find_package(HalideWheel 21 REQUIRED)
#
# Halide::Halide    the compiler: libHalide.so and Halide.h. For generators/ and their tests only.
# Halide::Runtime   HalideRuntime*.h and HalideBuffer.h, copied into a folder of their own, so that
#                   code which links only this cannot include Halide.h: the wall between build time
#                   and run time is a compile error, not a habit. Brings the system libraries that
#                   a generated library's own runtime calls (threads, dlopen).
#
# HalideWheel_VERSION is "major.minor.patch". Another copy: -DHALIDE_WHEEL_DIR=.../halide, the folder
# that holds include/Halide.h.

file(GLOB _halide_unpacked
    "${PROJECT_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/halide")
set(HALIDE_WHEEL_DIR "" CACHE PATH "Halide's unpacked wheel; empty means the one in .deps/venv")

find_path(HalideWheel_INCLUDE_DIR Halide.h
    HINTS "${HALIDE_WHEEL_DIR}" ${_halide_unpacked} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(HalideWheel_LIBRARY Halide
    HINTS "${HALIDE_WHEEL_DIR}" ${_halide_unpacked} PATH_SUFFIXES lib64 lib NO_DEFAULT_PATH)
mark_as_advanced(HalideWheel_INCLUDE_DIR HalideWheel_LIBRARY)
unset(_halide_unpacked)

if(HalideWheel_INCLUDE_DIR)
    set(HalideWheel_VERSION "")
    foreach(_part MAJOR MINOR PATCH)
        file(STRINGS "${HalideWheel_INCLUDE_DIR}/HalideRuntime.h" _line
            REGEX "^#define HALIDE_VERSION_${_part} [0-9]+" LIMIT_COUNT 1)
        string(REGEX MATCH "[0-9]+$" _number "${_line}")
        list(APPEND HalideWheel_VERSION "${_number}")
    endforeach()
    list(JOIN HalideWheel_VERSION "." HalideWheel_VERSION)
    unset(_part)
    unset(_line)
    unset(_number)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(HalideWheel
    REQUIRED_VARS HalideWheel_LIBRARY HalideWheel_INCLUDE_DIR
    VERSION_VAR HalideWheel_VERSION
    REASON_FAILURE_MESSAGE "Run scripts/setup, which puts it into .deps/venv.")

if(HalideWheel_FOUND AND NOT TARGET Halide::Halide)
    find_package(Threads REQUIRED)

    file(GLOB _halide_runtime_headers "${HalideWheel_INCLUDE_DIR}/HalideRuntime*.h")
    file(COPY ${_halide_runtime_headers} "${HalideWheel_INCLUDE_DIR}/HalideBuffer.h"
        DESTINATION "${PROJECT_BINARY_DIR}/halide_runtime")
    unset(_halide_runtime_headers)

    add_library(Halide::Runtime INTERFACE IMPORTED)
    set_target_properties(Halide::Runtime PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_BINARY_DIR}/halide_runtime"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")

    # No Halide::Runtime among its libraries: a test of the compiler then has one source of headers.
    add_library(Halide::Halide SHARED IMPORTED)
    set_target_properties(Halide::Halide PROPERTIES
        IMPORTED_LOCATION "${HalideWheel_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${HalideWheel_INCLUDE_DIR}"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
endif()
