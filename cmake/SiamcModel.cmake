# siamc_add_model(NAME MODEL_FILE [TARGET T] [BATCH N])
#
# Compiles a model description with siamc at build time. Defines the library target NAME: link it
# and include "NAME.h". NAME must be the model's own name.
function(siamc_add_model name model_file)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "TARGET;BATCH" "")
    if(NOT arg_TARGET)
        set(arg_TARGET ${SIAMC_TARGET})
    endif()
    if(NOT arg_BATCH)
        set(arg_BATCH ${SIAMC_BATCH})
    endif()
    get_filename_component(model_file ${model_file} ABSOLUTE)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
    set(archive ${folder}/lib${name}.a)
    add_custom_command(
        OUTPUT ${archive} ${folder}/${name}.h ${folder}/${name}.manifest.json
        COMMAND siamc compile ${model_file} --target ${arg_TARGET} --batch ${arg_BATCH} -o ${folder}
        DEPENDS siamc ${model_file}
        COMMENT "siamc compile ${name} for ${arg_TARGET}"
        VERBATIM)
    add_custom_target(${name}_files DEPENDS ${archive})
    add_library(${name} INTERFACE)
    add_dependencies(${name} ${name}_files)
    target_include_directories(${name} INTERFACE ${folder})
    target_link_libraries(${name} INTERFACE ${archive} Halide::Runtime)
endfunction()
