# Fails when the compiler's own list of included files has one that a layer must not see.
#
#   cmake -D CXX=... -D FLAGS=... -D SOURCES=a.cpp;b.cpp -D FORBIDDEN=regex -P layering.cmake

cmake_minimum_required(VERSION 3.24)

if(NOT SOURCES)
    message(FATAL_ERROR "no sources to check")
endif()

set(hits 0)
foreach(source IN LISTS SOURCES)
    execute_process(COMMAND ${CXX} -std=c++20 ${FLAGS} -M ${source}
        RESULT_VARIABLE status OUTPUT_VARIABLE rule ERROR_VARIABLE failure)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "${source}:\n${failure}")
    endif()
    string(REGEX REPLACE "[\\\n ]+" ";" files "${rule}")
    foreach(file IN LISTS files)
        if(file MATCHES "${FORBIDDEN}")
            message(SEND_ERROR "${source} includes ${file}")
            math(EXPR hits "${hits} + 1")
            break()
        endif()
    endforeach()
endforeach()

list(LENGTH SOURCES count)
message(STATUS "${count} files checked, ${hits} of them with forbidden includes")
