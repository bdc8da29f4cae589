# What `cmake --install build --prefix PREFIX` installs: siamc with Halide's compiler, train_generated,
# eval_generated and gallery_generated if they were built, the package for find_package(Siamc), siamc.pc, example models. They
# find each other by relative paths, so PREFIX may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# A copy of the very Halide that siamc was built with, in a folder that no other program searches.
set(halide_dir ${CMAKE_INSTALL_LIBDIR}/siamc)
file(RELATIVE_PATH halide_from_program
    ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/siamc)
set_target_properties(siamc PROPERTIES INSTALL_RPATH $ORIGIN/${halide_from_program})
install(TARGETS siamc EXPORT SiamcTargets)
install(IMPORTED_RUNTIME_ARTIFACTS Halide::Halide LIBRARY DESTINATION ${halide_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${HalideWheel_INCLUDE_DIR}/../share/doc/Halide/LICENSE.txt
    DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.Halide)

# These look for siamc in their own folder.
install(TARGETS train_generated eval_generated gallery_generated OPTIONAL)
foreach(program siamc train_generated eval_generated gallery_generated)
    install(FILES ${PROJECT_BINARY_DIR}/share/man/man1/${program}.1
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
    install(FILES ${PROJECT_BINARY_DIR}/share/bash-completion/completions/${program}
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions OPTIONAL)
endforeach()

set(models_dir ${CMAKE_INSTALL_DATADIR}/siamc/models)
install(FILES models/fc.toml models/cnn.toml DESTINATION ${models_dir})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Siamc)
configure_package_config_file(cmake/SiamcConfig.cmake.in SiamcConfig.cmake
    INSTALL_DESTINATION ${package_dir} PATH_VARS models_dir NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before version 1.0 a minor version may change everything. The compiler serves any processor.
write_basic_package_version_file(SiamcConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(EXPORT SiamcTargets NAMESPACE Siamc:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/SiamcConfig.cmake ${PROJECT_BINARY_DIR}/SiamcConfigVersion.cmake
    cmake/SiamcModel.cmake cmake/SiamcPrograms.cmake DESTINATION ${package_dir})
# Read by siamc_add_programs alone.
install(TARGETS siamc_programs EXPORT SiamcProgramsTargets OPTIONAL
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/siamc)
install(EXPORT SiamcProgramsTargets NAMESPACE Siamc:: DESTINATION ${package_dir})

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH program_from_pkgconfig
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_BINDIR}/siamc)
file(RELATIVE_PATH models_from_pkgconfig
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_DATADIR}/siamc/models)
configure_file(cmake/siamc.pc.in siamc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/siamc.pc DESTINATION ${pkgconfig_dir})
