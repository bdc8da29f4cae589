# cmake -D SOURCE=… -D VERSION=… -D HEADER=… -P SiamcVersion.cmake
#
# Writes the header with version and commit that --version prints, if it is another than before. No
# commit without git, or where the source is no repository of its own.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND git -C ${SOURCE} rev-parse --show-toplevel
    OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
file(REAL_PATH "${SOURCE}" source)
set(commit "")
if(NOT failed AND top STREQUAL source)
    execute_process(COMMAND git -C ${SOURCE} describe --always --dirty=+changes --abbrev=12 --exclude=*
        OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT
"#define SIAMC_VERSION \"@VERSION@\"
#define SIAMC_COMMIT \"@commit@\"
")
