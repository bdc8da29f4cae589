# siamc_add_model(NAME MODEL_FILE [TARGET T] [BATCH N] [WEIGHTS f32|f16])
#
# Compiles a model description with siamc at build time, again whenever one of the two changes.
# Defines the library target NAME: link it and include "NAME.h". NAME must be the model's own name,
# for a device with its name behind it: fc_cuda.
# TARGET is one of `siamc targets`, BATCH the most tuples in a training step, WEIGHTS as which
# embedding reads them.
#
# A library that links NAME can be installed and exported with it:
#   install(TARGETS NAME ... EXPORT ...)
#   install(FILES ${CMAKE_CURRENT_BINARY_DIR}/NAME/libNAME.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Those who then link the two need the headers only where their own code includes them
# (install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/NAME/ DESTINATION include FILES_MATCHING PATTERN *.h)).
#
# The project itself builds its models with this, and so does whoever calls find_package(Siamc).

# On x86 a library holds every instruction set and picks one when a program starts.
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(siamc_default_target x86-64-linux)
elseif(CMAKE_CROSSCOMPILING)
    set(siamc_default_target "")
elseif(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(siamc_default_target arm-64-linux)
else()
    set(siamc_default_target host)
endif()
set(SIAMC_TARGET "${siamc_default_target}" CACHE STRING
    "what models are compiled for; see siamc targets")
set(SIAMC_BATCH 128 CACHE STRING "the most tuples in a training step of the models")
unset(siamc_default_target)

# What a program links beside a library for CMake's system, as target_link_libraries has it.
function(siamc_link_libraries variable)
    # CMake's name of the system, Halide's, and what Halide's runtime in the archive calls of it
    # beyond libc. siamc reads this table too, when it is built.
    set(systems
        "Linux linux pthread dl m"
        "Android android dl m log"
        "Darwin osx"
        "iOS ios"
        "Windows windows pthread")
    set(libraries -pthread)
    foreach(system IN LISTS systems)
        if(system MATCHES "^${CMAKE_SYSTEM_NAME} [a-z]+ ?(.*)")
            string(REPLACE " " ";" libraries "${CMAKE_MATCH_1}")
        endif()
    endforeach()
    # A flag, since Threads::Threads is known only in folders and projects that have looked for it.
    list(TRANSFORM libraries REPLACE "^pthread$" -pthread)
    list(TRANSFORM libraries REPLACE "^dl$" "${CMAKE_DL_LIBS}")
    set(${variable} ${libraries} PARENT_SCOPE)
endfunction()

function(siamc_add_model name model_file)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "TARGET;BATCH;WEIGHTS" "")
    if(NOT arg_TARGET)
        set(arg_TARGET ${SIAMC_TARGET})
    endif()
    if(NOT arg_TARGET)
        message(FATAL_ERROR "siamc_add_model(${name}): what to compile for is not known when "
            "cross-compiling\n  write: TARGET T, or -DSIAMC_TARGET=T, with a name of siamc targets")
    endif()
    if(NOT arg_BATCH)
        set(arg_BATCH ${SIAMC_BATCH})
    endif()
    if(NOT arg_WEIGHTS)
        set(arg_WEIGHTS f32)
    endif()
    get_filename_component(model_file ${model_file} ABSOLUTE)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
    set(archive ${folder}/lib${name}.a)
    add_custom_command(
        OUTPUT ${archive} ${folder}/${name}.h ${folder}/${name}.manifest.json
        COMMAND Siamc::siamc compile ${model_file} --target ${arg_TARGET} --batch ${arg_BATCH}
            --weights ${arg_WEIGHTS} -o ${folder} --quiet
        DEPENDS Siamc::siamc ${model_file}
        COMMENT "siamc compile ${name} for ${arg_TARGET}"
        VERBATIM)
    add_custom_target(${name}_files DEPENDS ${archive})
    add_library(${name} INTERFACE)
    # For programs that train it.
    cmake_path(REPLACE_EXTENSION model_file LAST_ONLY .recipes.toml OUTPUT_VARIABLE recipes_file)
    set_target_properties(${name} PROPERTIES SIAMC_RECIPES_FILE ${recipes_file})
    add_dependencies(${name} ${name}_files)
    # All headers lie in the folder.
    include(GNUInstallDirs)
    target_include_directories(${name} SYSTEM INTERFACE
        $<BUILD_INTERFACE:${folder}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    siamc_link_libraries(libraries)
    target_link_libraries(${name} INTERFACE
        $<BUILD_INTERFACE:${archive}>
        $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/lib${name}.a>
        ${libraries})
endfunction()
