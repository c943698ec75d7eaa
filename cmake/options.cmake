# What a build can be told, and the flags that only this project's own build uses.

option(BUILD_SHARED_LIBS "Build shared libraries" OFF)
option(REGOLO_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(REGOLO_BUILD_TESTING "Build regolo::testing and regolo-server" ${PROJECT_IS_TOP_LEVEL})
option(REGOLO_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(REGOLO_BUILD_BENCH "Build the measurements" OFF)
option(REGOLO_BUILD_FUZZERS "Build the libFuzzer targets (clang; the preset `fuzz` has the flags)" OFF)
option(REGOLO_INSTALL "Add the install rules" ${PROJECT_IS_TOP_LEVEL})
option(REGOLO_WERROR "Turn warnings into errors (ignored with REGOLO_SANITIZE)" OFF)
option(REGOLO_COVERAGE "Instrument for gcov" OFF)
set(REGOLO_TEST_SHARES 0 CACHE STRING "Processes that share each program's tests; 0: one for each test")
set(REGOLO_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined or thread")

# Keeps the scale of a top-level build: a project that includes this one decides for itself.
if(PROJECT_IS_TOP_LEVEL)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
    endif()
    find_program(REGOLO_CCACHE ccache)
    mark_as_advanced(REGOLO_CCACHE)
    if(REGOLO_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
        set(CMAKE_CXX_COMPILER_LAUNCHER ${REGOLO_CCACHE})
    endif()
endif()

add_library(regolo_options INTERFACE)
target_compile_options(regolo_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Before version 15 it takes the result of a `co_await` in a declaration for an unused variable.
    target_compile_options(regolo_options INTERFACE -Wno-unused-but-set-variable)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False alarms of the optimiser: about `std::string + "text"` (GCC bug 105651), and about the frames of
    # coroutines, whose operator new it inlines and whose operator delete it does not.
    target_compile_options(regolo_options INTERFACE -Wno-restrict -Wno-mismatched-new-delete)
    # At -O2 it takes what lives in a coroutine's frame for uninitialised.
    target_compile_options(regolo_options INTERFACE $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It takes a source that is included for a header, where a type of one file would differ from file to file.
    target_compile_options(regolo_options INTERFACE -Wno-subobject-linkage)
endif()
# Sanitizers make g++ 12 warn falsely inside Boost, so that an error would say nothing.
if(REGOLO_WERROR AND NOT REGOLO_SANITIZE)
    target_compile_options(regolo_options INTERFACE -Werror)
endif()

# These must reach every translation unit and every link, whichever target they belong to.
if(REGOLO_SANITIZE)
    add_compile_options(-fsanitize=${REGOLO_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${REGOLO_SANITIZE})
    if(REGOLO_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
        if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
            # Coroutine frames call functions through a type that this check does not expect.
            add_compile_options(-fno-sanitize=function)
        endif()
    endif()
    if(REGOLO_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Asio uses std::atomic_thread_fence, which g++ warns about under this sanitizer.
        add_compile_options(-Wno-tsan)
    endif()
endif()
if(REGOLO_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
